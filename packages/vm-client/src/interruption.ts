import { onAbort } from './abort-listeners.js';
import { VgpuError } from './errors.js';

/** So long an interrupted call waits for its files to be taken back: the share may hang. */
const GRACE_MS = 1000;

/** How long a call may take, and who may end it. */
export interface Limits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** The VM's directory, for the messages. */
  readonly directory: string;
}

/**
 * What ends a call before its answer: its time is over, its caller aborts it, or its client is
 * closed. The first reason counts. Holds a timer, and with it the process, until disposed of.
 */
export class Interruption {
  /** Rejects if the call goes on for {@link GRACE_MS} after the interruption. */
  readonly overdue: Promise<never>;

  readonly #controller = new AbortController();
  readonly #forgetCaller: () => void;
  #timer: NodeJS.Timeout;

  constructor({ timeoutMs, signal: caller, directory }: Limits) {
    this.#timer = setTimeout(() => {
      this.interrupt(timedOut(directory, timeoutMs));
    }, timeoutMs);
    this.overdue = new Promise((_resolve, reject) => {
      this.signal.addEventListener('abort', () => {
        this.#timer = setTimeout(() => {
          reject(leftBehind(this.signal.reason as VgpuError, directory));
        }, GRACE_MS);
      });
    });
    const abort = () => {
      this.interrupt(
        new VgpuError('ABORTED', 'the call was aborted', { cause: caller?.reason as unknown }),
      );
    };
    this.#forgetCaller = caller === undefined ? () => undefined : onAbort(caller, abort);
    if (caller?.aborted === true) abort();
  }

  /** Aborted by the interruption, with the {@link VgpuError} that the call is to end with. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends the call with this error, unless something else has ended it. */
  interrupt(error: VgpuError): void {
    if (this.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#controller.abort(error);
  }

  /** To be called when the call has come to its end. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.#forgetCaller();
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
