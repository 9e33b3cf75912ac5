import type { DeviceError } from './device-error.js';
import {
  addOptionsError,
  closedError,
  delayError,
  indexError,
  lengthError,
  scalarError,
  vectorError,
} from './validation.js';
import type { AddOptions, DeviceInfo, VectorAdder } from './vector-adder.js';

/** Options of `CpuVectorAdder`. */
export interface CpuVectorAdderOptions {
  /** The index that `device` reports: any integer of 0 or more. Default 0. */
  readonly index?: number;
  /**
   * How long each operation takes, in milliseconds; fractions count. Operations run one after
   * another, so ten calls at once take ten times as long. A process stays alive until they are
   * done. Default 0: computed within the call, without timers.
   */
  readonly delayMs?: number;
}

/**
 * Adds on the thread that calls: the stand-in on machines without a GPU, and, with `delayMs`, a slow
 * device to try scheduling with.
 */
export class CpuVectorAdder implements VectorAdder {
  readonly device: DeviceInfo;
  readonly #delayMs: number;
  /** When the last delayed operation is due, on the clock of `performance.now()`. */
  #lastDueMs = 0;
  /** Resolves when the last delayed operation has settled; never rejects. */
  #lastSettled: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  /**
   * Throws a `DeviceError` with code `INVALID_OPTION` if an option has an impossible value.
   *
   * @param options Index and delay.
   */
  constructor({ index = 0, delayMs = 0 }: CpuVectorAdderOptions = {}) {
    const invalid = indexError(index) ?? delayError('delayMs', delayMs);
    if (invalid !== undefined) throw invalid;
    this.device = { backend: 'cpu', index, name: 'CPU' };
    this.#delayMs = delayMs;
  }

  /**
   * Never calls `onDeviceTime`: the CPU device has no clock of its own.
   *
   * @param a One vector.
   * @param b The other one, as long.
   * @param options `out`: where to put the sum.
   */
  add(a: Int32Array, b: Int32Array, options: AddOptions = {}): Promise<Int32Array> {
    const invalid = addOptionsError(options) ?? vectorError(a, b, options.out);
    const out = invalid === undefined ? options.out : undefined;
    return this.#submit(invalid, () => addInto(out ?? new Int32Array(a.length), a, b));
  }

  addScalar(a: number, b: number): Promise<number> {
    return this.#submit(scalarError(a, b), () => (a + b) | 0);
  }

  allocate(length: number): Promise<Int32Array> {
    const invalid = this.#closing === undefined ? lengthError(length) : closedError(this.device);
    if (invalid !== undefined) return Promise.reject(invalid);
    return new Promise((resolve) => {
      resolve(new Int32Array(length));
    });
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#lastSettled);
  }

  #submit<T>(invalid: DeviceError | undefined, compute: () => T): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(closedError(this.device));
    if (invalid !== undefined) return Promise.reject(invalid);
    if (this.#delayMs > 0) return this.#submitDelayed(compute);
    // The constructor turns an exception of `compute` (out of memory) into a rejection.
    return new Promise((resolve) => {
      resolve(compute());
    });
  }

  /**
   * Each operation is due `delayMs` after the one before it, or after now if none is pending. Due times
   * come from this sum and not from a chain of timers, so that late timers don't add up. The chain of
   * promises keeps the order, with one timer for any number of pending calls.
   */
  #submitDelayed<T>(compute: () => T): Promise<T> {
    const dueMs = Math.max(performance.now(), this.#lastDueMs) + this.#delayMs;
    const result = this.#lastSettled.then(() => sleepUntil(dueMs)).then(compute);
    this.#lastDueMs = dueMs;
    this.#lastSettled = result.then(ignore, ignore);
    return result;
  }
}

function addInto(sum: Int32Array, a: Int32Array, b: Int32Array): Int32Array {
  // Storing into an Int32Array wraps, so nothing else has to.
  for (let i = 0; i < sum.length; i++) sum[i] = (a[i] ?? 0) + (b[i] ?? 0);
  return sum;
}

const longestTimerMs = 2 ** 31 - 1;

async function sleepUntil(dueMs: number): Promise<void> {
  // In a loop, because a timer may fire up to a millisecond early and can't be set for longer than
  // 24 days.
  for (let leftMs; (leftMs = dueMs - performance.now()) > 0;) {
    const waitMs = Math.min(Math.ceil(leftMs), longestTimerMs);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

function ignore(): void {
  // The caller holds the promise that carries the result or the error.
}
