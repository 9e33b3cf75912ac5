import { Writable } from 'node:stream';

/** What may wait for a slow reader, bytes. */
const MAX_WAITING_BYTES = 2 ** 20;

/**
 * Passes lines on to a stream, and drops them while its reader does not keep up, or if there is none
 * any more: a log that nobody reads must neither fill the memory nor stop the service. Those of one
 * turn of the event loop go together, in one system call.
 */
export class LossyStream extends Writable {
  readonly #target: Writable;
  readonly #onDropped: (lines: number) => void;
  #dropped = 0;
  #lines = '';
  #flushing: NodeJS.Immediate | undefined;

  /** @param onDropped Called once lines are passed on again, with the number of those that were not. */
  constructor(target: Writable, onDropped: (lines: number) => void) {
    super({ decodeStrings: false });
    this.#target = target;
    this.#onDropped = onDropped;
    // A reader that has gone is reported to the stream; there is nobody to tell.
    target.on('error', () => undefined);
  }

  /** Passes on now what would be passed on when this turn is over. */
  flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    const lines = this.#lines;
    this.#lines = '';
    if (lines === '') return;
    try {
      this.#target.write(lines);
    } catch {
      // A file on a full disk: streams of files write at once, and throw.
    }
  }

  override _write(line: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    done();
    // Once some were dropped the reader is to catch up first: not every other line is to be lost.
    const most = this.#dropped > 0 ? MAX_WAITING_BYTES / 2 : MAX_WAITING_BYTES;
    if (this.#target.writableLength + this.#lines.length >= most) {
      this.#dropped += 1;
      return;
    }
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.#onDropped(dropped);
    this.#lines += line.toString();
    this.#flushing ??= setImmediate(() => {
      this.flush();
    });
  }
}
