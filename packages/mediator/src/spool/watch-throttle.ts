/**
 * Events that need not lead to anything: so many may have gathered in the kernel's queue (16 384, by
 * default) while the mediator stood still. A sweep allows some more, and so does each job.
 */
const MAX_EVENTS = 16_384;
const EVENTS_PER_SWEEP = 2048;
const EVENTS_PER_JOB = 64;
/**
 * A watch that was taken away is back after a sweep, then after twice as many each time: to watch a
 * directory of a million entries takes the kernel 80 ms (it marks each that it has cached).
 */
const MAX_MUTED_SWEEPS = 64;

/**
 * Decides for how long a VM is watched: one that causes events without end is muted for some sweeps.
 *
 * It is open until there are too many events, then muted for as many sweeps as were doubled since it was
 * last quiet for that long, then open.
 */
export class WatchThrottle {
  #events = 0;
  #mutedSweeps = 0;
  #nextMutedSweeps = 1;

  /** Whether there is to be no watch. */
  get isMuted(): boolean {
    return this.#mutedSweeps > 0;
  }

  /** @returns whether these are too many: it is muted from now on. */
  count(events: number): boolean {
    this.#events += events;
    if (this.#events <= MAX_EVENTS) return false;
    this.#mutedSweeps = this.#nextMutedSweeps;
    this.#nextMutedSweeps = Math.min(2 * this.#nextMutedSweeps, MAX_MUTED_SWEEPS);
    return true;
  }

  /** A request that was served makes up for its events. */
  noteJob(): void {
    this.#events = Math.max(0, this.#events - EVENTS_PER_JOB);
  }

  noteSweep(): void {
    this.#mutedSweeps -= 1;
    if (this.isMuted) return;
    // A VM that has been quiet for as long as it was muted begins again.
    if (this.#mutedSweeps < -this.#nextMutedSweeps) this.#nextMutedSweeps = 1;
    const wasMuted = this.#mutedSweeps === 0;
    // One that comes back has no more than a sweep allows.
    const events = wasMuted ? MAX_EVENTS : this.#events;
    this.#events = Math.max(0, events - EVENTS_PER_SWEEP);
  }
}
