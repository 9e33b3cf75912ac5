// The result of a benchmark: rows for people, ratios for comparison, bars for a figure.

/**
 * A figure that is compared with another of the same run, and so with other runs.
 *
 * @typedef {object} Ratio
 * @property {string} name stable: `pnpm bench --check` finds the committed one by it
 * @property {number} value
 * @property {'lower' | 'higher'} better
 * @property {number} [target] what it has to reach
 */

/**
 * A figure of bars, one for each way to do the same.
 *
 * @typedef {object} Figure
 * @property {string} title
 * @property {string} unit
 * @property {{ label: string, value: number, isOurs?: boolean }[]} bars
 */

/**
 * @typedef {object} Table
 * @property {string} title
 * @property {Record<string, string | number>[]} rows numbers are shown as they are: round them
 */

/**
 * @typedef {object} Measured
 * @property {Table[]} tables
 * @property {Ratio[]} ratios
 * @property {Figure[]} [figures]
 */

/** @typedef {() => Promise<Measured>} Benchmark */

/** @param {number[]} values @param {number} share between 0 and 1 */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

export const median = (/** @type {number[]} */ values) => quantile(values, 0.5);

/**
 * Rounds to the significant digits that a reader can use.
 *
 * @param {number} value
 * @param {number} [digits]
 */
export const rounded = (value, digits = 3) => Number(value.toPrecision(digits));

/**
 * Measures several ways by turns, in another order each round, and returns the figures of each.
 *
 * @template {string} Way
 * @param {Record<Way, (() => number | Promise<number>) | undefined>} ways those that are undefined get
 *   no figures
 * @param {number} rounds
 * @returns {Promise<Record<Way, number[]>>}
 */
export async function byTurns(ways, rounds) {
  const names = /** @type {Way[]} */ (Object.keys(ways));
  /** @type {Map<Way, number[]>} */
  const figures = new Map(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of rotated(names, round)) {
      const figure = await ways[name]?.();
      if (figure !== undefined) figures.get(name)?.push(figure);
    }
  }
  return /** @type {Record<Way, number[]>} */ (Object.fromEntries(figures));
}

/** @template T @param {readonly T[]} list @param {number} by */
const rotated = (list, by) => {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
};

/**
 * The median of the ratios of each round: influences on both in a round cancel out.
 *
 * @param {number[]} ours
 * @param {number[]} theirs
 */
export const medianRatio = (ours, theirs) =>
  median(ours.map((value, index) => value / (theirs[index] ?? NaN)));
