/** The first upper bound, in milliseconds; then by 1, 2 and 5 per decade. */
const FIRST_MS = 0.1;
const STEPS = [1, 2, 5] as const;

/**
 * The number of requests that waited less than `toMs` milliseconds, but at least the limit of the
 * previous bar.
 */
export interface WaitBar {
  readonly toMs: number;
  readonly count: number;
}

/** Counts waits by magnitude, for a histogram for people. */
export class WaitBars {
  readonly #counts: number[] = [];

  add(waitMs: number): void {
    let index = 0;
    while (upperBound(index) <= waitMs) index += 1;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
  }

  /** Ascending, from the first to the last non-empty one. */
  bars(): readonly WaitBar[] {
    const first = this.#counts.findIndex((count) => count > 0);
    return Array.from(this.#counts, (count: number | undefined, index) => ({
      toMs: upperBound(index),
      count: count ?? 0,
    })).slice(Math.max(first, 0));
  }
}

function upperBound(index: number): number {
  const decade = Math.floor(index / STEPS.length);
  const bound = FIRST_MS * 10 ** decade * (STEPS[index % STEPS.length] ?? NaN);
  return Number(bound.toPrecision(1));
}
