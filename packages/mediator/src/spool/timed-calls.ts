import type { DirectoryCalls, FileAttributes, FileStats, Reading } from './directory-calls.js';

/** Directory calls whose duration is measured. */
export class TimedCalls implements DirectoryCalls {
  readonly #calls: DirectoryCalls;
  readonly #onTook: (ms: number) => void;

  /** @param onTook Receives the milliseconds that each call took, also a failed one. */
  constructor(calls: DirectoryCalls, onTook: (ms: number) => void) {
    this.#calls = calls;
    this.#onTook = onTook;
  }

  lstat(name: string): FileStats | undefined {
    return this.#timed(() => this.#calls.lstat(name));
  }

  read(name: string, bytes: Uint8Array): Reading {
    return this.#timed(() => this.#calls.read(name, bytes));
  }

  create(name: string, content: string, attributes: FileAttributes): void {
    this.#timed(() => {
      this.#calls.create(name, content, attributes);
    });
  }

  open(name: string): number {
    return this.#timed(() => this.#calls.open(name));
  }

  hold(name: string): number {
    return this.#timed(() => this.#calls.hold(name));
  }

  rename(from: string, to: string): void {
    this.#timed(() => {
      this.#calls.rename(from, to);
    });
  }

  renameNew(from: string, to: string): void {
    this.#timed(() => {
      this.#calls.renameNew(from, to);
    });
  }

  exchange(one: string, other: string): void {
    this.#timed(() => {
      this.#calls.exchange(one, other);
    });
  }

  link(from: string, to: string): void {
    this.#timed(() => {
      this.#calls.link(from, to);
    });
  }

  removeLater(name: string): number {
    return this.#calls.removeLater(name);
  }

  removeDirectoryLater(name: string): void {
    this.#calls.removeDirectoryLater(name);
  }

  closeLater(descriptor: number): number {
    return this.#calls.closeLater(descriptor);
  }

  get outstanding(): number {
    return this.#calls.outstanding;
  }

  #timed<T>(call: () => T): T {
    const startedMs = performance.now();
    try {
      return call();
    } finally {
      this.#onTook(performance.now() - startedMs);
    }
  }
}
