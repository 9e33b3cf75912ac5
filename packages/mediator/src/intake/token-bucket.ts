/** The permitted rate of requests. */
export interface RateLimit {
  /** Requests per second in the long run; may be a fraction. */
  readonly perSecond: number;
  /** Requests that are permitted at once after a pause. */
  readonly burst: number;
}

/** The burst, by default the requests of one second, at least one. */
export function burstOf(perSecond: number, burst?: number): number {
  return burst ?? Math.max(1, Math.ceil(perSecond));
}

/** Tolerance for floating-point rounding when comparing with one whole token. */
const ROUNDING = 1e-6;

/**
 * Limits a rate: a bucket that holds `burst` tokens, gains `perSecond` of them, and spends one for each
 * request. The caller provides the clock, which must be monotonic (milliseconds).
 */
export class TokenBucket {
  /** Infinite until the first request: the bucket is full for any limit. */
  #tokens = Infinity;
  #sinceMs = 0;
  #limit: RateLimit = { perSecond: 0, burst: Infinity };

  /** Takes a token; returns 0, or the milliseconds until one is available. */
  take(limit: RateLimit, nowMs: number): number {
    const { perSecond, burst } = limit;
    this.#tokens = Math.min(burst, this.#filled(perSecond, nowMs));
    this.#sinceMs = nowMs;
    this.#limit = limit;
    if (this.#tokens < 1 - ROUNDING) return Math.ceil(((1 - this.#tokens) * 1000) / perSecond);
    this.#tokens -= 1;
    return 0;
  }

  /** Whether the bucket is full for its last limit, like one that was never used. */
  isFull(nowMs: number): boolean {
    const { perSecond, burst } = this.#limit;
    return this.#filled(perSecond, nowMs) >= burst;
  }

  #filled(perSecond: number, nowMs: number): number {
    return this.#tokens + ((nowMs - this.#sinceMs) * perSecond) / 1000;
  }
}
