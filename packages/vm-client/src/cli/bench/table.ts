/** Texts by the heading of their column. */
export type Row = Readonly<Record<string, string>>;

/**
 * Lines with aligned columns, under headings: numbers to the right, all else to the left. A text
 * that a row lacks is left empty.
 */
export function table(rows: readonly Row[]): string {
  const headings = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const columns = headings.map((heading) => {
    const texts = rows.map((row) => row[heading] ?? '');
    const width = Math.max(heading.length, ...texts.map((text) => text.length));
    const isNumeric = texts.every((text) => /^(?:[\d.]+|-|)$/.test(text)) && heading !== '';
    return [heading, ...texts].map((text) =>
      isNumeric ? text.padStart(width) : text.padEnd(width),
    );
  });
  const lines = [-1, ...rows.keys()].map((index) => columns.map((column) => column[index + 1]));
  return lines.map((line) => line.join('  ').trimEnd()).join('\n');
}
