import { escapeControls } from '@vgpu/protocol';
import { styleText } from 'node:util';
import type { Surroundings } from './commands/command.js';

type Format = Parameters<typeof styleText>[0];

/** Marks text for the eye; on a terminal that shows it, unless `NO_COLOR` is set (no-color.org). */
export type Style = (format: Format, text: string) => string;

export function styleFor({
  isTerminal,
  environment,
}: Pick<Surroundings, 'isTerminal' | 'environment'>): Style {
  const isPlain = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  if (!isTerminal || isPlain) return (_format, text) => text;
  return (format, text) => styleText(format, escapeControls(text), { validateStream: false });
}

/** Escapes what controls a terminal, but for the marks of a style (SGR of ECMA-48), ends of lines, and tabs. */
export function escapeAround(text: string): string {
  return escapeControls(text, '\n\t').replaceAll(/\\u001b(\[[0-9;]*m)/g, '\x1b$1');
}
