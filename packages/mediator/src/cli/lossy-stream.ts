import { Writable } from 'node:stream';

/** What may wait for a slow reader, bytes. */
const MAX_WAITING_BYTES = 2 ** 20;

/** Where lines go. It never waits for its reader. */
export interface LineTarget {
  /** What was given to it and is not written yet. */
  readonly waitingBytes: number;
  write(lines: string, done: (error?: Error) => void): void;
}

/**
 * Passes lines on, and drops them while their reader does not keep up, or if there is none any more: a
 * log that nobody reads must neither fill the memory nor stop the service. Those of one turn of the event
 * loop go together, in one system call.
 */
export class LossyStream extends Writable {
  readonly #target: LineTarget;
  readonly #onDropped: (lines: number) => void;
  #dropped = 0;
  #isFailing = false;
  #lines = '';

  /** @param onDropped Called once lines are passed on again, with the number of those that were not. */
  constructor(target: LineTarget, onDropped: (lines: number) => void) {
    super({ decodeStrings: false });
    this.#target = target;
    this.#onDropped = onDropped;
  }

  override _write(line: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    done();
    if (!this.#hasRoom()) {
      this.#dropped += 1;
      return;
    }
    this.#reportDropped();
    if (this.#lines === '') {
      setImmediate(() => {
        this.#flush();
      });
    }
    this.#lines += line.toString();
  }

  /** Once some were dropped the reader is to catch up first: not every other line is to be lost. */
  #hasRoom(): boolean {
    const most = this.#dropped > 0 ? MAX_WAITING_BYTES / 2 : MAX_WAITING_BYTES;
    return this.#target.waitingBytes + this.#lines.length < most;
  }

  #flush(): void {
    const lines = this.#lines;
    this.#lines = '';
    this.#target.write(lines, (error) => {
      this.#isFailing = error !== undefined;
      if (this.#isFailing) this.#dropped += lines.split('\n').length - 1;
      this.#reportDropped();
    });
  }

  #reportDropped(): void {
    const dropped = this.#dropped;
    if (dropped === 0 || this.#isFailing || !this.#hasRoom()) return;
    this.#dropped = 0;
    this.#onDropped(dropped);
  }
}
