import { onAbort } from './abort-listeners.js';
import { VgpuError } from './errors.js';
import type { CallSignal } from './options.js';

/** An interrupted call waits at most this long for its files to be removed: the share may hang. */
const GRACE_MS = 1000;

/** How long a call may take, and who may end it. */
export interface Limits {
  readonly timeoutMs: number;
  readonly signal: CallSignal | undefined;
  /** The VM's directory, for the messages. */
  readonly directory: string;
}

/**
 * What ends a call before its answer: its time is over, its caller aborts it, or its client is
 * closed. The first reason counts. Holds a timer, and with it the process, until disposed of.
 * No AbortController: one for each call costs more than all else that is done here.
 */
export class Interruption {
  readonly #directory: string;
  readonly #callbacks: ((reason: VgpuError) => void)[] = [];
  readonly #forgetCaller: (() => void) | undefined;
  #timer: NodeJS.Timeout;
  #reason: VgpuError | undefined;

  constructor({ timeoutMs, signal, directory }: Limits) {
    this.#directory = directory;
    this.#timer = setTimeout(() => {
      this.interrupt(timedOut(directory, timeoutMs));
    }, timeoutMs);
    if (signal === undefined) return;
    const abort = () => {
      this.interrupt(new VgpuError('ABORTED', 'the call was aborted', { cause: signal.reason }));
    };
    this.#forgetCaller = onAbort(signal, abort);
    if (signal.aborted) abort();
  }

  /** What the call is to end with; undefined while nothing has interrupted it. */
  get reason(): VgpuError | undefined {
    return this.#reason;
  }

  /** @throws VgpuError The reason, if there is one. */
  throwIfInterrupted(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }

  /** Calls back at the interruption, or at once if it has been. */
  whenInterrupted(callback: (reason: VgpuError) => void): void {
    if (this.#reason === undefined) this.#callbacks.push(callback);
    else callback(this.#reason);
  }

  /** Settles as the work does, but rejects if that goes on {@link GRACE_MS} after the interruption. */
  limit<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(resolve, reject);
      this.whenInterrupted((reason) => {
        this.#timer = setTimeout(() => {
          reject(leftBehind(reason, this.#directory));
        }, GRACE_MS);
      });
    });
  }

  /** Ends the call with this error, unless something else has ended it. */
  interrupt(error: VgpuError): void {
    if (this.#reason !== undefined) return;
    clearTimeout(this.#timer);
    this.#reason = error;
    for (const callback of this.#callbacks) callback(error);
  }

  /** To be called when the call has come to its end. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.#forgetCaller?.();
  }
}

const timedOut = (directory: string, timeoutMs: number) =>
  new VgpuError(
    'TIMEOUT',
    `no answer in ${directory} within ${timeoutMs} ms; ` +
      'check that a mediator serves this directory on the host, or wait longer',
  );

const leftBehind = ({ code, message, cause }: VgpuError, directory: string) =>
  new VgpuError(
    code,
    `${message}; ${directory} does not respond, so the request's files may still be there`,
    { cause },
  );
