import { stripVTControlCharacters } from 'node:util';
import type { Surroundings } from './commands/command.js';
import { styleFor } from './style.js';

const GAP = '  ';

/** A column: its heading, and `right` for numbers. */
export type Column = readonly [heading: string, side?: 'right'];

/**
 * A table: in aligned columns for people, else with tabs between the cells, for programs. Cells have one
 * line each.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  surroundings: Pick<Surroundings, 'isTerminal' | 'environment'>,
): string {
  const lines = [columns.map(([heading]) => heading), ...rows];
  if (!surroundings.isTerminal) return lines.map((cells) => cells.join('\t')).join('\n');
  const style = styleFor(surroundings);
  const widths = columns.map((_, index) =>
    Math.max(...lines.map((cells) => widthOf(cells[index] ?? ''))),
  );
  const [head = '', ...body] = lines.map((cells) =>
    columns
      .map(([, side], index) => {
        const cell = cells[index] ?? '';
        const space = ' '.repeat((widths[index] ?? 0) - widthOf(cell));
        return side === 'right' ? `${space}${cell}` : `${cell}${space}`;
      })
      .join(GAP)
      .trimEnd(),
  );
  return [style('bold', head), ...body].join('\n');
}

/** What is in a table is ASCII, but for the marks of a style. */
function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
