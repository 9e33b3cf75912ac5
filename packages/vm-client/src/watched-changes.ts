import fs from 'node:fs';
import type { Change, Changes } from './changes.js';

/** Looks are due after this time without an event too: events overflow, directories are replaced. */
const RECHECK_MS = 1000;

/**
 * Hears of changes from the kernel (inotify), by one watch for all the files of a directory. Does
 * not keep the process alive.
 */
export class WatchedChanges implements Changes {
  readonly #watched = new Map<string, WatchedChange>();
  readonly #watcher: fs.FSWatcher;
  readonly #recheck: NodeJS.Timeout;

  /**
   * @param watch Stands in for `fs.watch` in tests.
   * @throws What `fs.watch` throws, such as ENOSPC or EMFILE where the user's watches have run out.
   */
  constructor(directory: string, watch: typeof fs.watch = fs.watch) {
    this.#watcher = watch(directory, { persistent: false }, (_event, name) => {
      if (name === null) this.#notifyAll();
      else this.#watched.get(name)?.notify();
    });
    this.#recheck = setInterval(() => {
      this.#notifyAll();
    }, RECHECK_MS).unref();
    // What is heard no more is still found by looking.
    this.#watcher.on('error', () => undefined);
  }

  of(name: string): Change {
    const change = new WatchedChange(() => this.#watched.delete(name));
    this.#watched.set(name, change);
    return change;
  }

  close(): void {
    clearInterval(this.#recheck);
    this.#watcher.close();
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
