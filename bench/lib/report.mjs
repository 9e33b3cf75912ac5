// Prints what was measured, writes it to `docs/explanation/benchmarks`, and compares it with the figures
// there.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpus } from 'node:os';
import { rounded } from './measured.mjs';
import { drawFigures } from './plot.mjs';

/** @typedef {import('./measured.mjs').Measured} Measured */
/** @typedef {import('./measured.mjs').Ratio} Ratio */

const DOCS = join(import.meta.dirname, '../../docs/explanation');
const PAGE = join(DOCS, 'benchmarks.md');
const FOLDER = join(DOCS, 'benchmarks');

/** A ratio that is worse by more than this factor counts as a regression. */
const TOLERANCE = 1.25;

/** @param {string} name @param {Measured} measured */
export function print(name, { tables, ratios }) {
  console.log(`\n${name}`);
  for (const { title, rows } of tables) {
    console.log(`\n${title}`);
    console.table(rows);
  }
  if (ratios.length > 0) console.table(ratios.map(ratioRow));
}

/**
 * Writes the ratios as JSON, the figures as SVG, and the tables between `<!-- name:begin -->` and
 * `<!-- name:end -->` of `docs/explanation/benchmarks.md`.
 *
 * @param {string} name @param {Measured} measured
 */
export function write(name, { tables, ratios, figures = [] }) {
  mkdirSync(FOLDER, { recursive: true });
  const machine = { date: new Date().toISOString().slice(0, 10), node: process.version };
  const json = { ...machine, cpu: `${cpus().length} x ${cpus()[0]?.model ?? '?'}`, ratios };
  writeFileSync(join(FOLDER, `${name}.json`), `${JSON.stringify(json, null, 2)}\n`);
  if (figures.length > 0) writeFileSync(join(FOLDER, `${name}.svg`), drawFigures(figures));

  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const page = readFileSync(PAGE, 'utf8');
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${PAGE} has no ${begin} ... ${end}`);
  const text = [
    `${json.date}, Node ${json.node}, ${json.cpu}.`,
    ...tables.flatMap(({ title, rows }) => [`${title}:`, markdown(rows)]),
    ...(ratios.length > 0 ? ['Ratios:', markdown(ratios.map(ratioRow))] : []),
    ...(figures.length > 0 ? [`![${figures[0]?.title ?? name}](benchmarks/${name}.svg)`] : []),
  ].join('\n\n');
  writeFileSync(PAGE, `${page.slice(0, from)}${begin}\n\n${text}\n\n${page.slice(to)}`);
}

/**
 * The ratios that are worse than the committed ones by more than a quarter, as sentences.
 *
 * @param {string} name @param {Measured} measured
 * @returns {string[]}
 */
export function regressions(name, { ratios }) {
  const path = join(FOLDER, `${name}.json`);
  if (!existsSync(path)) return [];
  const { ratios: committed } = /** @type {{ ratios: Ratio[] }} */ (
    JSON.parse(readFileSync(path, 'utf8'))
  );
  return ratios.flatMap((ratio) => {
    const before = committed.find((other) => other.name === ratio.name)?.value;
    if (before === undefined) return [];
    const worse = ratio.better === 'lower' ? ratio.value / before : before / ratio.value;
    if (worse <= TOLERANCE) return [];
    const percent = Math.round(100 * (worse - 1));
    return [
      `${name}: ${ratio.name}: ${rounded(ratio.value)} after ${rounded(before)}, ${percent} % worse`,
    ];
  });
}

function ratioRow(/** @type {Ratio} */ { name, value, better, target }) {
  const sign = better === 'lower' ? 'at most' : 'at least';
  return {
    ratio: name,
    measured: rounded(value),
    target: target === undefined ? '' : `${sign} ${target}`,
    verdict:
      target === undefined ? '' : verdict(better === 'lower' ? target / value : value / target),
  };
}

/** @param {number} achieved 1 or more if the target is reached */
const verdict = (achieved) =>
  achieved >= 1 ? 'reached' : `missed by ${Math.round(100 * (1 / achieved - 1))} %`;

/** @param {Record<string, string | number>[]} rows */
function markdown(rows) {
  const head = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => head.map((column) => shown(row[column] ?? '')));
  const isNumber = head.map((column) => rows.every((row) => typeof row[column] === 'number'));
  const widths = head.map((title, i) =>
    Math.max(3, title.length, ...cells.map((row) => row[i]?.length ?? 0)),
  );
  const line = (/** @type {string[]} */ row) =>
    `| ${row.map((cell, i) => (isNumber[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, i) =>
    isNumber[i] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  return [line(head), line(rule), ...cells.map(line)].join('\n');
}

/** With spaces between thousands, as in `1 000 000`. */
const shown = (/** @type {string | number} */ value) =>
  typeof value === 'number' && Number.isInteger(value)
    ? String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
    : String(value);
