/** How fast requests may come. */
export interface RateLimit {
  /** Requests per second in the long run; may be a fraction. */
  readonly perSecond: number;
  /** Requests that may come at once after a pause. */
  readonly burst: number;
}

/** Requests that may come at once where nothing else is said: those of one second, one at least. */
export function burstOf(perSecond: number, burst?: number): number {
  return burst ?? Math.max(1, Math.ceil(perSecond));
}

/** So little may lack of a token: fractions add up to a whole but for what is rounded. */
const ROUNDING = 1e-6;

/**
 * Limits a rate: a bucket that holds `burst` tokens, fills with `perSecond` of them, and gives one for
 * each request. The caller has the clock, which must never go back (milliseconds).
 */
export class TokenBucket {
  /** None taken yet, whatever the limit will be. */
  #tokens = Infinity;
  #sinceMs = 0;
  #limit: RateLimit = { perSecond: 0, burst: Infinity };

  /** Takes a token; gives 0, or the milliseconds until there is one. */
  take(limit: RateLimit, nowMs: number): number {
    const { perSecond, burst } = limit;
    this.#tokens = Math.min(burst, this.#filled(perSecond, nowMs));
    this.#sinceMs = nowMs;
    this.#limit = limit;
    if (this.#tokens < 1 - ROUNDING) return Math.ceil(((1 - this.#tokens) * 1000) / perSecond);
    this.#tokens -= 1;
    return 0;
  }

  /** Whether it holds all that the last limit lets it hold, as one does that was never used. */
  isFull(nowMs: number): boolean {
    const { perSecond, burst } = this.#limit;
    return this.#filled(perSecond, nowMs) >= burst;
  }

  #filled(perSecond: number, nowMs: number): number {
    return this.#tokens + ((nowMs - this.#sinceMs) * perSecond) / 1000;
  }
}
