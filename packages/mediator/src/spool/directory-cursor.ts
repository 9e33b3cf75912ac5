import { opendirSync, type Dir } from 'node:fs';
import { errnoOf } from '@vgpu/linux';

/** Names that are read at once. */
const BATCH = 1024;

/**
 * Goes through the names in a directory. ext4 keeps the blocks of names that are gone: to go through those
 * of 300 000 names takes 10 ms, in which not a single name need come. So a thread can do that.
 *
 * One that reads ahead is in one of two states: *reading*, from {@link readAhead} until it says
 * that it is done, and *idle*.
 */
export class DirectoryCursor {
  readonly #dir: Dir;
  readonly #readsAhead: boolean;
  /** Read by the thread, and not given yet: so many names at most, or the end. */
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
   * @returns the next name, null at the end, or undefined if a thread has to read on before that is known.
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

  /** Has a thread read on. */
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
