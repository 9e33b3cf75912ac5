import { toNs } from '../time.js';

/** Files that nobody fetched are looked for this many times in a retention time. */
const CHECKS = 10;
/** What a clock may be set forward by between two checks, milliseconds. */
const MAX_JUMP_MS = 1000;

/** When to look for files that nobody fetched, and how old they are to be. */
export class Retention {
  #checkedMs = performance.now();
  #clockMs = Date.now();
  #keptUntilMs: number | undefined;

  /**
   * The ctime, nanoseconds since the epoch, before which files are stale; undefined if it is not time
   * to look for them.
   *
   * After the clock was set forward nobody knows how old they are, nor after the start, before which it
   * may have been: all are kept for the time anew.
   */
  due(retentionMs: number): bigint | undefined {
    const nowMs = performance.now();
    this.#keptUntilMs ??= this.#checkedMs + retentionMs;
    const elapsedMs = nowMs - this.#checkedMs;
    if (elapsedMs < retentionMs / CHECKS) return undefined;
    const clockMs = Date.now();
    if (clockMs - this.#clockMs - elapsedMs > MAX_JUMP_MS) this.#keptUntilMs = nowMs + retentionMs;
    this.#checkedMs = nowMs;
    this.#clockMs = clockMs;
    return nowMs < this.#keptUntilMs ? undefined : toNs(clockMs - retentionMs);
  }
}
