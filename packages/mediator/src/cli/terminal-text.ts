import { styleText } from 'node:util';
import { escapeControls } from '@vgpu/protocol';
import { type Column, textTable } from '@vgpu/protocol/cli';
import type { CliContext } from './commands/command.js';

type Format = Parameters<typeof styleText>[0];

/** Styles text, on terminals that can show it and unless `NO_COLOR` is set (no-color.org). */
export type Style = (format: Format, text: string) => string;

export function styleFor({
  isTerminal,
  environment,
}: Pick<CliContext, 'isTerminal' | 'environment'>): Style {
  const isPlain = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  if (!isTerminal || isPlain) return (_format, text) => text;
  return (format, text) => styleText(format, escapeControls(text), { validateStream: false });
}

/** Escapes control characters, except styles (SGR of ECMA-48), line ends and tabs. */
export function escapeAround(text: string): string {
  return escapeControls(text, '\n\t').replaceAll(/\\u001b(\[[0-9;]*m)/g, '\x1b$1');
}

/**
 * A table: aligned columns with a bold head for people, else cells separated by tabs, for programs.
 * Cells have one line each.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  context: Pick<CliContext, 'isTerminal' | 'environment'>,
): string {
  if (!context.isTerminal) {
    return [columns.map(([heading]) => heading), ...rows]
      .map((cells) => cells.join('\t'))
      .join('\n');
  }
  const [head = '', ...body] = textTable(columns, rows);
  return [styleFor(context)('bold', head), ...body].join('\n');
}
