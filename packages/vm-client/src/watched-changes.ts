import { watchDirectory, WatchEvent, type DirectoryWatch } from '@vgpu/linux';
import type { Change, Changes } from './changes.js';
import { PolledChanges } from './polled-changes.js';

/** A mediator renames a response into place. To be woken by all else would cost more than the response does. */
const RESPONSES = { events: WatchEvent.MOVED_TO, prefix: 'response' };

/** Looks are due after this time without an event too: events overflow, directories are replaced. */
const RECHECK_MS = 1000;

/**
 * Hears of changes from the kernel (inotify), by one watch for all the files of a directory. Does
 * not keep the process alive.
 */
export class WatchedChanges implements Changes {
  readonly #watched = new Map<string, WatchedChange>();
  readonly #watch: DirectoryWatch;
  readonly #recheck: NodeJS.Timeout;
  #isClosing = false;
  #isClosed = false;

  /**
   * @param watch Stands in for {@link watchDirectory} in tests.
   * @throws What that throws.
   */
  constructor(directory: string, watch = watchDirectory) {
    this.#watch = watch(
      directory,
      RESPONSES,
      (names, _others, areLost) => {
        if (areLost) this.#notifyAll();
        else for (const name of names) this.#watched.get(name)?.notify();
      },
      // What is heard no more is still found by looking.
      () => undefined,
    );
    this.#recheck = setInterval(() => {
      this.#notifyAll();
    }, RECHECK_MS).unref();
  }

  of(name: string): Change {
    // A call may have been about to begin when this was closed.
    if (this.#isClosed) return new PolledChanges().of();
    const change = new WatchedChange(() => {
      this.#watched.delete(name);
      if (this.#isClosing) this.close();
    });
    this.#watched.set(name, change);
    return change;
  }

  close(): void {
    this.#isClosing = true;
    if (this.#isClosed || this.#watched.size > 0) return;
    this.#isClosed = true;
    clearInterval(this.#recheck);
    this.#watch.close();
  }

  #notifyAll(): void {
    for (const change of this.#watched.values()) change.notify();
  }
}

class WatchedChange implements Change {
  /** Something has happened since the last look. */
  #pending = false;
  #stopped = false;
  #wake: (() => void) | undefined;
  readonly #forget: () => void;

  constructor(forget: () => void) {
    this.#forget = forget;
  }

  async happened(): Promise<void> {
    if (!this.#pending && !this.#stopped) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#pending = false;
  }

  notify(): void {
    this.#pending = true;
    this.#wake?.();
  }

  stop(): void {
    this.#stopped = true;
    this.#forget();
    this.#wake?.();
  }
}
