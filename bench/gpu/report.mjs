import { readFileSync, writeFileSync } from 'node:fs';

/**
 * @typedef {{
 *   date: string, quick: boolean, device: string, driver: string, cuda: string, node: string,
 *   cpu: string, seconds: number,
 *   latency: import('./scalars.mjs').Latency[],
 *   rates: import('./scalars.mjs').Rate[],
 *   copies: import('./vectors.mjs').Copies,
 *   vectors: import('./vectors.mjs').Vectors[],
 *   twoDevices: { onePerSecond: number, twoPerSecond: number, ratio: number } | null,
 * }} Results
 * @typedef {{ target: string, measured: string, verdict: string }} Verdict
 */

const MIB = 1024 ** 2;
const BEGIN = '<!-- gpu:begin -->';
const END = '<!-- gpu:end -->';

/** @type {Record<import('./scalars.mjs').Way, string>} */
const WAYS = {
  'C mapped': 'C: mapped memory, launch, synchronise',
  'C textbook': 'C: copy in twice, launch, copy out',
  'C async': 'C: the same with asynchronous copies',
  'C flag': 'C: the kernel raises a flag',
  addScalar: '`await device.addScalar(a, b)`',
  executor: 'the same through the executor',
};

/** @param {Results} results @returns {Verdict[]} */
export function verdicts({ latency, rates, vectors, twoDevices }) {
  const large = vectors.filter(({ bytes }) => bytes >= 16 * MIB);
  const ofMapped = latency.find(({ way }) => way === 'addScalar')?.ofMapped ?? NaN;
  const rate = rates.find(({ inFlight }) => inFlight === 64)?.perSecond ?? NaN;
  const allocated = 100 * Math.min(...large.map((row) => row.allocated.ofFloor));
  const ordinary = 100 * Math.min(...large.map((row) => row.out.ofFloor));
  const fresh = 100 * Math.min(...large.map((row) => row.fresh.ofFloor));
  const inExecutor = latency.find(({ way }) => way === 'executor')?.ofMapped ?? NaN;
  const rows = [
    atMost('`addScalar`: p50 at most 1.20 times C mapped', ofMapped, 1.2, ofMapped.toFixed(2)),
    atMost('the same through the executor', inExecutor, 1.2, inExecutor.toFixed(2)),
    atLeast('64 sums in flight: at least 250 000/s', rate, 250_000, `${grouped(rate)}/s`),
    atLeast(
      'vectors from 16 MiB, allocated: at least 85 % of the floor',
      allocated,
      85,
      `${allocated.toFixed(1)} %`,
    ),
    atLeast(
      'vectors from 16 MiB, ordinary with `out`: at least 50 % of the floor',
      ordinary,
      50,
      `${ordinary.toFixed(1)} %`,
    ),
    atLeast('the same with new results', fresh, 50, `${fresh.toFixed(1)} %`),
  ];
  const two = 'two devices: 2.0 times the work of one';
  if (twoDevices) {
    const ratio = Math.round(10 * twoDevices.ratio) / 10;
    rows.push(atLeast(two, ratio, 2, twoDevices.ratio.toFixed(2)));
  } else {
    rows.push({ target: two, measured: 'one device only', verdict: 'not measured' });
  }
  return rows;
}

/** The results as Markdown that prettier leaves as it is. @param {Results} results */
export function markdown(results) {
  const { latency, rates, copies, vectors, twoDevices } = results;
  const gb = (/** @type {number} */ bytes) => (bytes / 1e9).toFixed(1);
  const cells = (/** @type {import('./vectors.mjs').Speed} */ { us, ofFloor }) => [
    us < 1000 ? us.toFixed(1) : grouped(us),
    (100 * ofFloor).toFixed(1),
  ];
  const sections = [
    [
      `${results.device}, driver ${results.driver} (CUDA ${results.cuda}), ${results.cpu},`,
      `Node ${results.node}, ${results.date.slice(0, 10)}${results.quick ? ', --quick' : ''}.`,
    ].join(' '),
    table(
      ['target', 'measured', 'verdict'],
      verdicts(results).map((row) => [row.target, row.measured, row.verdict]),
      3,
    ),
    'One sum at a time:',
    table(
      ['microseconds', 'p50', 'p90', 'p99', 'times C mapped'],
      latency.map((row) => [
        WAYS[row.way],
        ...[row.p50Us, row.p90Us, row.p99Us, row.ofMapped].map((value) => value.toFixed(2)),
      ]),
    ),
    'Many at a time:',
    table(
      ['sums in flight', '`addScalar`/s', 'C, flag/s', 'ratio'],
      rates.map(({ inFlight, perSecond, cPerSecond }) => [
        String(inFlight),
        grouped(perSecond),
        grouped(cPerSecond),
        (perSecond / cPerSecond).toFixed(2),
      ]),
      0,
    ),
    `Vectors. The floor is ${gb(copies.duplexIn)} GB/s in while half as much goes out (alone: ${gb(copies.in)} in, ${gb(copies.out)} out).`,
    table(
      [
        'per operand',
        ...['allocated, us', '% of floor'],
        ...['ordinary, `out`, us', '% of floor'],
        ...['ordinary, fresh, us', '% of floor'],
      ],
      vectors.map((row) => [
        size(row.bytes),
        ...cells(row.allocated),
        ...cells(row.out),
        ...cells(row.fresh),
      ]),
    ),
    twoDevices
      ? `Vectors of 1 MiB: ${grouped(twoDevices.onePerSecond)}/s on one device, ${grouped(twoDevices.twoPerSecond)}/s on two.`
      : 'Two devices: not measured, there is one device only.',
  ];
  return sections.join('\n\n');
}

/** Replaces the text between the markers of a Markdown file. */
export function replaceInMarkdown(/** @type {string} */ path, /** @type {string} */ text) {
  const old = readFileSync(path, 'utf8');
  const [begin, end] = [old.indexOf(BEGIN), old.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${path} has no ${BEGIN} ... ${END}`);
  writeFileSync(path, `${old.slice(0, begin)}${BEGIN}\n\n${text}\n\n${old.slice(end)}`);
}

/** Bytes for people: `4 KiB`, `16 MiB`. */
export function size(/** @type {number} */ bytes) {
  return bytes < MIB ? `${bytes / 1024} KiB` : `${bytes / MIB} MiB`;
}

/**
 * @param {string} target @param {number} value @param {number} limit @param {string} measured
 * @returns {Verdict}
 */
function atLeast(target, value, limit, measured) {
  return { target, measured, verdict: verdict(value / limit) };
}

/** @type {typeof atLeast} */
function atMost(target, value, limit, measured) {
  return { target, measured, verdict: verdict(limit / value) };
}

/** @param {number} achieved 1 or more if the target is reached */
function verdict(achieved) {
  return achieved >= 1 ? 'reached' : `missed by ${(100 * (1 - achieved)).toFixed(1)} %`;
}

function grouped(/** @type {number} */ value) {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ' ');
}

/**
 * @param {string[]} head @param {string[][]} rows @param {number} leftAligned how many columns
 */
function table(head, rows, leftAligned = 1) {
  const widths = head.map((_, column) =>
    Math.max(4, ...[head, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  const line = (/** @type {string[]} */ row) =>
    `| ${row
      .map((cell, column) =>
        column < leftAligned
          ? cell.padEnd(widths[column] ?? 0)
          : cell.padStart(widths[column] ?? 0),
      )
      .join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column < leftAligned ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
