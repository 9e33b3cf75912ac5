import { toNs } from '../time.js';

/** Checks for stale files in one retention time. */
const CHECKS = 10;
/** How far the clock may be set forward between two checks without effect, in milliseconds. */
const MAX_JUMP_MS = 1000;

/** Decides when to remove files that no client fetched, and from which age on. */
export class Retention {
  #checkedMs = performance.now();
  #clockMs = Date.now();
  #keptUntilMs: number | undefined;

  /**
   * The ctime, nanoseconds since the epoch, before which files are stale; undefined if no check is due.
   *
   * After a forward jump of the clock (or at start-up, when one may have happened) file ages are unknown,
   * so the retention time restarts for every file.
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
