import { Writable } from 'node:stream';

/** The most bytes that are kept for a slow reader. */
const MAX_WAITING_BYTES = 2 ** 20;

/** The destination of lines, which never waits for its reader. */
export interface LineTarget {
  /** Bytes that it was given and has not written yet. */
  readonly waitingBytes: number;
  write(lines: string, done: (error?: Error) => void): void;
}

/**
 * Passes lines on, and drops them while their reader is slow or gone: a log without a reader must
 * neither fill the memory nor stop the service. The lines of one turn of the event loop are written
 * together, in one system call.
 */
export class LossyStream extends Writable {
  readonly #target: LineTarget;
  readonly #onDropped: (lines: number) => void;
  #dropped = 0;
  #isFailing = false;
  #lines = '';

  /** @param onDropped Called when lines are passed on again, with the number of dropped lines. */
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

  /** After a drop the reader has to catch up first, so that the log has one gap rather than many. */
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
