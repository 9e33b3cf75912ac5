const GAP = '  ';
/** What styles a text on a terminal takes no room (SGR of ECMA-48). */
// eslint-disable-next-line no-control-regex -- that is what it looks for
const SGR = /\x1b\[[0-9;]*m/g;

/** A column: its heading, and `right` for numbers. */
export type Column = readonly [heading: string, side?: 'right'];

/**
 * The lines of a table with aligned columns, the headings first. Cells have one line each, of ASCII
 * and marks of style; one that a row lacks is empty.
 */
export function textTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string[] {
  const lines = [columns.map(([heading]) => heading), ...rows];
  const widths = columns.map((_, index) =>
    Math.max(...lines.map((cells) => widthOf(cells[index] ?? ''))),
  );
  return lines.map((cells) =>
    columns
      .map(([, side], index) => {
        const cell = cells[index] ?? '';
        const space = ' '.repeat((widths[index] ?? 0) - widthOf(cell));
        return side === 'right' ? `${space}${cell}` : `${cell}${space}`;
      })
      .join(GAP)
      .trimEnd(),
  );
}

function widthOf(cell: string): number {
  return cell.replaceAll(SGR, '').length;
}
