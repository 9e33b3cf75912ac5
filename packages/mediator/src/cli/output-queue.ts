import { write } from 'node:fs';

/** The pause before a descriptor that is not ready is tried again, in milliseconds: doubled each time. */
const RETRY_MS = 10;
const MAX_RETRY_MS = 100;

interface Chunk {
  readonly fd: number;
  readonly bytes: Buffer;
  readonly done: (error?: NodeJS.ErrnoException) => void;
}

/**
 * Writes to standard streams on a thread of libuv's pool, one chunk after the other. Node's own
 * streams write to terminals and files in the event loop (nodejs.org, "A note on process I/O"): a
 * terminal stopped by Ctrl-S, or a hanging file system, would stop the whole program, signals
 * included.
 */
export class OutputQueue {
  readonly #chunks: Chunk[] = [];
  #waitingBytes = 0;
  #isInCall = false;
  #whenFlushed: (() => void)[] = [];

  /** Bytes that are not written yet. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Whether a thread is in write(2), which may return only when the reader continues. */
  get isInCall(): boolean {
    return this.#isInCall;
  }

  /** @param done Called once the text is written, or cannot be; the next text is tried in either case. */
  write(fd: number, text: string, done: Chunk['done'] = () => undefined): void {
    const bytes = Buffer.from(text);
    this.#waitingBytes += bytes.length;
    this.#chunks.push({ fd, bytes, done });
    if (this.#chunks.length === 1) this.#next();
  }

  /** Settles once all texts are written, or cannot be. */
  async flushed(): Promise<void> {
    if (this.#chunks.length === 0) return;
    await new Promise<void>((resolve) => this.#whenFlushed.push(resolve));
  }

  #next(): void {
    const [chunk] = this.#chunks;
    if (chunk !== undefined) {
      this.#write(chunk, chunk.bytes, RETRY_MS);
      return;
    }
    for (const resolve of this.#whenFlushed.splice(0)) resolve();
  }

  #write(chunk: Chunk, bytes: Buffer, retryMs: number): void {
    this.#isInCall = true;
    write(chunk.fd, bytes, (error, written) => {
      this.#isInCall = false;
      if (error?.code === 'EAGAIN') {
        setTimeout(() => {
          this.#write(chunk, bytes, Math.min(2 * retryMs, MAX_RETRY_MS));
        }, retryMs);
        return;
      }
      if (error === null && written < bytes.length) {
        this.#waitingBytes -= written;
        this.#write(chunk, bytes.subarray(written), RETRY_MS);
        return;
      }
      this.#waitingBytes -= bytes.length;
      this.#chunks.shift();
      chunk.done(error ?? undefined);
      this.#next();
    });
  }
}
