import type { DirectoryWatch } from '@vgpu/linux';
import { watchDirectory } from './watch-directory.js';
import { WatchThrottle } from './watch-throttle.js';

/** What a {@link VmWatch} tells. */
export interface VmWatchEvents {
  /** The first event since {@link VmWatch.noteScan}. */
  readonly onAwake: () => void;
  /** Names of requests that something has happened to, and how many other events there were. */
  readonly onChange: (names: readonly string[], others: number) => void;
  /** There were too many events: the watch is gone for some scans. */
  readonly onThrottled: () => void;
  /** The kernel's queue has overflowed, and events of any directory may be lost. */
  readonly onEventsLost: () => void;
  /** There is no watch, or no longer: watches have run out, for example. */
  readonly onLost: (error: Error) => void;
}

/**
 * The watch on one VM's directory. It is *open*; or *throttled*, for some scans, because the VM caused too many
 * events (see {@link WatchThrottle}); or *lost*, until a scan opens it again.
 *
 * All VMs share the kernel's queue of 16 384 events, and to read events without end (as Node does, where there
 * is no addon) would stop all else.
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
    return this.#throttle.isMuted;
  }

  /** Whether there was no event since the last scan, and one would have been told of. */
  get isQuiet(): boolean {
    return !this.#hasHeard && this.isOpen && !this.isThrottled;
  }

  /** A request that was served makes up for its events. */
  noteJob(): void {
    this.#throttle.noteJob();
  }

  /** A scan looks at the directory: a watch that is gone may come back. */
  noteScan(): void {
    this.#throttle.noteSweep();
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
        if (!this.#hasHeard) this.#events.onAwake();
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
        this.#events.onAwake();
        this.#events.onLost(error);
      },
    );
  }
}
