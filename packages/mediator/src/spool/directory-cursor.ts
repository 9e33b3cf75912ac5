import { opendirSync, type Dir } from 'node:fs';
import { errnoOf } from '@vgpu/linux';

/** Names that one read returns. */
const BATCH = 1024;

/**
 * Iterates over the names in a directory. ext4 keeps the blocks of removed names: reading the blocks of
 * 300 000 names takes 10 ms, even if they hold no name any more. So a thread can read ahead.
 *
 * A cursor that reads ahead is in one of two states: *reading*, from {@link readAhead} until it calls
 * `done`, and *idle*.
 */
export class DirectoryCursor {
  readonly #dir: Dir;
  readonly #readsAhead: boolean;
  /** Upper bound of the names that the thread has read and `next` has not returned; the end counts as one. */
  #ahead = 0;
  #first: string | null | undefined;
  #error: Error | undefined;
  #isReading = false;

  /** @throws the error of open(2). */
  constructor(path: string, readsAhead: boolean) {
    this.#dir = opendirSync(path, { bufferSize: BATCH });
    this.#readsAhead = readsAhead;
  }

  get isReading(): boolean {
    return this.#isReading;
  }

  /**
   * @returns the next name, null at the end, or undefined if a thread has to read more first.
   * @throws the error of getdents(2).
   */
  next(): string | null | undefined {
    if (!this.#readsAhead) return this.#read();
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) throw error;
    if (this.#ahead === 0) return undefined;
    this.#ahead -= 1;
    const first = this.#first;
    this.#first = undefined;
    return first === undefined ? this.#read() : first;
  }

  /** Has a thread read the next names. */
  readAhead(done: () => void): void {
    this.#isReading = true;
    this.#dir.read((error, entry) => {
      this.#isReading = false;
      if (error === null) {
        this.#ahead = BATCH;
        this.#first = entry?.name ?? null;
      } else {
        this.#error = error;
      }
      done();
    });
  }

  close(): void {
    try {
      if (this.#isReading) this.#dir.close(ignore);
      else this.#dir.closeSync();
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
    }
  }

  #read(): string | null {
    return this.#dir.readSync()?.name ?? null;
  }
}

const ignore = () => undefined;
