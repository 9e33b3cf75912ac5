/**
 * How long the event loop polls after the earliest possible end, milliseconds, before a thread waits
 * instead. The wake-up of a thread costs some 50 microseconds, many times a small addition.
 */
const PATIENCE_MS = 2;
/** The clock is read at every 16th poll. */
const POLLS_PER_CLOCK = 16;
/** Elements of a vector from which its duration is estimated. */
const LONG_LENGTH = 2 ** 20;
/** Timers have a resolution of a millisecond, and may be late by another. */
const TIMER_ERROR_MS = 2;

/**
 * Schedules the polls for the end of an addition: in every turn of the event loop, for a limited time.
 * For a long vector they begin when it can be done at the earliest, by the best rate seen so far.
 */
export class PollSchedule {
  #polls = 0;
  #firstPollMs = 0;
  #limitMs = PATIENCE_MS;
  /** 0 before the first long vector. */
  #bestElementsPerMs = 0;

  /** Schedules the first poll. `length` and `launchedMs` are those of a vector. */
  begin(poll: () => void, length = 0, launchedMs = 0): void {
    const leftMs = this.#leastTimeLeftMs(length, launchedMs);
    this.#polls = 0;
    this.#limitMs = leftMs + PATIENCE_MS;
    if (leftMs > TIMER_ERROR_MS + 1) setTimeout(poll, leftMs - TIMER_ERROR_MS);
    else setImmediate(poll);
  }

  /** Schedules the next poll; false if the time is over. */
  goOn(poll: () => void): boolean {
    this.#polls += 1;
    if (this.#polls % POLLS_PER_CLOCK === 0) {
      const nowMs = performance.now();
      if (this.#polls === POLLS_PER_CLOCK) this.#firstPollMs = nowMs;
      if (nowMs - this.#firstPollMs > this.#limitMs) return false;
    }
    setImmediate(poll);
    return true;
  }

  /** Records how long the device took for a vector. */
  learn(length: number, ms: number): void {
    if (length < LONG_LENGTH) return;
    this.#bestElementsPerMs = Math.max(this.#bestElementsPerMs, length / ms);
  }

  #leastTimeLeftMs(length: number, launchedMs: number): number {
    if (length < LONG_LENGTH || this.#bestElementsPerMs === 0) return 0;
    return Math.max(0, launchedMs + length / this.#bestElementsPerMs - performance.now());
  }
}
