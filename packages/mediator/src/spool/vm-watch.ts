import type { DirectoryWatch } from '@vgpu/linux';
import { watchDirectory } from './watch-directory.js';
import { WatchThrottle } from './watch-throttle.js';

/** Events of a {@link VmWatch}. */
export interface VmWatchEvents {
  /** The first event since {@link VmWatch.noteScan}. */
  readonly onActive: () => void;
  /** Names of requests that were created, changed or removed, and the number of other events. */
  readonly onChange: (names: readonly string[], others: number) => void;
  /** There were too many events: the watch is closed for some scans. */
  readonly onThrottled: () => void;
  /** The kernel's queue has overflowed, and events of any directory may be lost. */
  readonly onEventsLost: () => void;
  /** The watch could not be opened, or has failed: watches have run out, for example. */
  readonly onLost: (error: Error) => void;
}

/**
 * The watch on one VM's directory. It is *open*; or *throttled*, for some scans, because the VM caused too many
 * events (see {@link WatchThrottle}); or *lost*, until a scan opens it again.
 *
 * All VMs share the kernel's queue of 16 384 events, and reading events without end (as Node does without the
 * addon) would stop all other work.
 */
export class VmWatch {
  readonly #path: string;
  readonly #events: VmWatchEvents;
  readonly #throttle = new WatchThrottle();
  #watch: DirectoryWatch | undefined;
  #hasHeard = false;

  constructor(path: string, events: VmWatchEvents) {
    this.#path = path;
    this.#events = events;
    this.#open();
  }

  get isOpen(): boolean {
    return this.#watch !== undefined;
  }

  get isThrottled(): boolean {
    return this.#throttle.isThrottled;
  }

  /** Whether there was no event since the last scan, and the watch would have reported one. */
  get isIdle(): boolean {
    return !this.#hasHeard && this.isOpen && !this.isThrottled;
  }

  /** A served request makes up for its events. */
  noteJob(): void {
    this.#throttle.noteJob();
  }

  /** A scan reads the directory: a closed watch may be opened again. */
  noteScan(): void {
    this.#throttle.noteScan();
    if (this.isThrottled) return;
    this.#hasHeard = false;
    if (!this.isOpen) this.#open();
  }

  close(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  #open(): void {
    this.#watch = watchDirectory(
      this.#path,
      'ofRequests',
      (names, others, areLost) => {
        if (!this.#hasHeard) this.#events.onActive();
        this.#hasHeard = true;
        this.#events.onChange(names, others);
        if (this.#throttle.count(names.length + others)) {
          this.close();
          this.#events.onThrottled();
        }
        if (areLost) this.#events.onEventsLost();
      },
      (error) => {
        this.#watch = undefined;
        this.#events.onActive();
        this.#events.onLost(error);
      },
    );
  }
}
