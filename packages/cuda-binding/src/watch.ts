/**
 * How much longer than it must the event loop looks for a result before a thread waits for it instead,
 * milliseconds. The wake-up of a thread costs some 50 microseconds, many times a small addition.
 */
const LOOKING_MS = 2;
/** The clock is read once in so many looks. */
const LOOKS_PER_CLOCK = 16;
/** Elements of a vector that takes so long that its time is worth a thought. */
const LONG_LENGTH = 2 ** 20;
/** Timers have a resolution of a millisecond, and may be late by another. */
const TIMER_ERROR_MS = 2;

/**
 * Says when to look whether the device has completed an addition: in every turn of the event loop;
 * not before it can be, for a long vector, by the best rate seen so far; and not for ever.
 */
export class Watch {
  #looks = 0;
  #firstLookMs = 0;
  #patienceMs = LOOKING_MS;
  /** 0 before the first long vector. */
  #bestElementsPerMs = 0;

  /** Has `look` called when it is time. `length` and `launchedMs` are those of a vector. */
  begin(look: () => void, length = 0, launchedMs = 0): void {
    const leftMs = this.#leastTimeLeftMs(length, launchedMs);
    this.#looks = 0;
    this.#patienceMs = leftMs + LOOKING_MS;
    if (leftMs > TIMER_ERROR_MS + 1) setTimeout(look, leftMs - TIMER_ERROR_MS);
    else setImmediate(look);
  }

  /** Has `look` called in the next turn, or says that it has been looked for long enough. */
  goOn(look: () => void): boolean {
    this.#looks += 1;
    if (this.#looks % LOOKS_PER_CLOCK === 0) {
      const nowMs = performance.now();
      if (this.#looks === LOOKS_PER_CLOCK) this.#firstLookMs = nowMs;
      if (nowMs - this.#firstLookMs > this.#patienceMs) return false;
    }
    setImmediate(look);
    return true;
  }

  /** Takes note of how long the device took for a vector. */
  learn(length: number, ms: number): void {
    if (length < LONG_LENGTH) return;
    this.#bestElementsPerMs = Math.max(this.#bestElementsPerMs, length / ms);
  }

  #leastTimeLeftMs(length: number, launchedMs: number): number {
    if (length < LONG_LENGTH || this.#bestElementsPerMs === 0) return 0;
    return Math.max(0, launchedMs + length / this.#bestElementsPerMs - performance.now());
  }
}
