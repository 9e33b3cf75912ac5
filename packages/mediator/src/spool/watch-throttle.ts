/**
 * Events without a job that a VM may cause: the kernel's queue may have gathered this many (its default
 * limit) while the mediator stood still. Each scan and each job allow some more.
 */
const MAX_EVENTS = 16_384;
const EVENTS_PER_SCAN = 2048;
const EVENTS_PER_JOB = 64;
/**
 * A closed watch is opened again after one scan, then after twice as many each time: watching a directory
 * of a million entries takes the kernel 80 ms (it marks each entry that it has cached).
 */
const MAX_THROTTLED_SCANS = 64;

/**
 * Decides when a VM is watched: a VM that causes events without end is throttled for some scans.
 *
 * It is *open* until there are too many events. Then it is *throttled* for a number of scans, which doubles
 * each time, and is one again after the VM has been quiet for as long. Then it is open again.
 */
export class WatchThrottle {
  #events = 0;
  #throttledScans = 0;
  #nextThrottledScans = 1;

  /** Whether the VM must not be watched. */
  get isThrottled(): boolean {
    return this.#throttledScans > 0;
  }

  /** @returns whether there were too many events: the VM is throttled from now on. */
  count(events: number): boolean {
    this.#events += events;
    if (this.#events <= MAX_EVENTS) return false;
    this.#throttledScans = this.#nextThrottledScans;
    this.#nextThrottledScans = Math.min(2 * this.#nextThrottledScans, MAX_THROTTLED_SCANS);
    return true;
  }

  /** A served request makes up for its events. */
  noteJob(): void {
    this.#events = Math.max(0, this.#events - EVENTS_PER_JOB);
  }

  noteScan(): void {
    this.#throttledScans -= 1;
    if (this.isThrottled) return;
    // A VM that was quiet for as long as its next throttling would last starts again with one scan.
    if (this.#throttledScans < -this.#nextThrottledScans) this.#nextThrottledScans = 1;
    const wasThrottled = this.#throttledScans === 0;
    // After a throttling the VM may cause only as many more events as a scan allows.
    const events = wasThrottled ? MAX_EVENTS : this.#events;
    this.#events = Math.max(0, events - EVENTS_PER_SCAN);
  }
}
