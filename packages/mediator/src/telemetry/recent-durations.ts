/** The window advances in parts. */
const PART_MS = 60_000;
const PARTS = 5;
/** Buckets in each power of two, as a power of two. */
const STEP_BITS = 3;
const STEPS = 2 ** STEP_BITS;
/** 2^32 microseconds are more than an hour. */
const MAX_MICROSECONDS = 2 ** 32 - 1;
const BUCKETS = bucketOf(MAX_MICROSECONDS) + 1;

/** Milliseconds, exact to a sixteenth. */
export interface Percentiles {
  /** The median. */
  readonly p50: number;
  /** The 95th percentile. */
  readonly p95: number;
  /** The 99th percentile. */
  readonly p99: number;
}

interface Part {
  /** Its number since the clock's zero; parts older than the window are ignored. */
  number: number;
  count: number;
  readonly counts: Uint32Array;
}

/**
 * Durations of the last five minutes, as counts in buckets that grow by an eighth: they take 5 KiB
 * for any number of durations. The caller passes the time of a monotonic clock, in milliseconds.
 */
export class RecentDurations {
  readonly #parts: Part[] = [];

  record(ms: number, nowMs: number): void {
    const part = this.#partAt(nowMs);
    const microseconds = Math.min(Math.max(Math.round(ms * 1000), 0), MAX_MICROSECONDS);
    const bucket = bucketOf(microseconds);
    part.counts[bucket] = (part.counts[bucket] ?? 0) + 1;
    part.count += 1;
  }

  /** undefined if there were none in the window. */
  percentiles(nowMs: number): Percentiles | undefined {
    const oldest = numberAt(nowMs) - PARTS;
    const parts = this.#parts.filter(({ number }) => number > oldest);
    const count = parts.reduce((sum, part) => sum + part.count, 0);
    if (count === 0) return undefined;
    const ranks = [0.5, 0.95, 0.99].map((share) => Math.ceil(share * count));
    const found: number[] = [];
    let seen = 0;
    for (let bucket = 0; found.length < ranks.length; bucket += 1) {
      for (const { counts } of parts) seen += counts[bucket] ?? 0;
      while (seen >= (ranks[found.length] ?? Infinity)) found.push(middleOf(bucket) / 1000);
    }
    const [p50 = 0, p95 = 0, p99 = 0] = found;
    return { p50, p95, p99 };
  }

  #partAt(nowMs: number): Part {
    const number = numberAt(nowMs);
    const index = number % PARTS;
    const part = (this.#parts[index] ??= { number, count: 0, counts: new Uint32Array(BUCKETS) });
    if (part.number !== number) {
      part.number = number;
      part.count = 0;
      part.counts.fill(0);
    }
    return part;
  }
}

function numberAt(nowMs: number): number {
  return Math.floor(nowMs / PART_MS);
}

/**
 * Short durations have a bucket each; larger powers of two are divided into a fixed number of
 * buckets.
 */
function bucketOf(microseconds: number): number {
  const power = 31 - Math.clz32(microseconds);
  if (power < STEP_BITS) return microseconds;
  const shift = power - STEP_BITS;
  return (shift + 1) * STEPS + ((microseconds >>> shift) & (STEPS - 1));
}

/** The microseconds in the middle of a bucket. */
function middleOf(bucket: number): number {
  if (bucket < STEPS) return bucket;
  const shift = Math.floor(bucket / STEPS) - 1;
  const least = (STEPS + (bucket % STEPS)) * 2 ** shift;
  return least + (2 ** shift - 1) / 2;
}
