import { CudaError, type DeviceInfo, type VectorAdder } from '@vgpu/cuda-binding';
import type { Logger } from '../../src/telemetry/logger.js';

const device: DeviceInfo = { backend: 'cpu', index: 0, name: 'fake' };

/** A fault after which the device must be reopened. */
export const LOST = new CudaError(
  {
    operation: 'cuLaunchKernel',
    status: 719,
    name: 'CUDA_ERROR_LAUNCH_FAILED',
    description: 'unspecified launch failure',
  },
  'adding',
);

/** A failure that leaves the device as it was. */
export const OUT_OF_MEMORY = new CudaError(
  {
    operation: 'cuMemAlloc',
    status: 2,
    name: 'CUDA_ERROR_OUT_OF_MEMORY',
    description: 'out of memory',
  },
  'adding',
);

const allocate = (length: number) => Promise.resolve(new Int32Array(length));

/** A device that never finishes an operation, and never closes. */
export class FakeHungAdder implements VectorAdder {
  readonly allocate = allocate;
  readonly device = device;
  closings = 0;

  add(): Promise<Int32Array> {
    return new Promise(() => undefined);
  }

  addScalar(): Promise<number> {
    return new Promise(() => undefined);
  }

  close(): Promise<void> {
    this.closings += 1;
    return new Promise(() => undefined);
  }
}

/** A device of which every operation fails. */
export class FakeFailingAdder implements VectorAdder {
  readonly allocate = allocate;
  readonly device = device;
  readonly #reason: unknown;

  constructor(reason: unknown) {
    this.#reason = reason;
  }

  add(): Promise<Int32Array> {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a value that is no Error is a case of its own
    return Promise.reject(this.#reason);
  }

  addScalar(): Promise<number> {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a value that is no Error is a case of its own
    return Promise.reject(this.#reason);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A device that finishes each operation when the test says so, and knows how many it was given. */
export class FakeManualAdder implements VectorAdder {
  readonly allocate = allocate;
  readonly device: DeviceInfo;
  /** The first operands of every operation so far, in the order in which they came. */
  readonly started: number[] = [];
  mostInFlight = 0;
  isClosed = false;
  readonly #inFlight: { finish: () => void; fail: (reason: Error) => void }[] = [];

  constructor(index = 0) {
    this.device = { ...device, index };
  }

  get inFlight(): number {
    return this.#inFlight.length;
  }

  add(a: Int32Array, b: Int32Array): Promise<Int32Array> {
    return this.#submit(a[0] ?? 0, () => a.map((x, i) => x + (b[i] ?? 0)));
  }

  addScalar(a: number, b: number): Promise<number> {
    return this.#submit(a, () => (a + b) | 0);
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }

  /** Finishes the operation that has been in flight longest. */
  finish(): void {
    this.#take().finish();
  }

  /** Fails the operation that has been in flight longest. */
  fail(reason: Error): void {
    this.#take().fail(reason);
  }

  #take() {
    const operation = this.#inFlight.shift();
    if (operation === undefined) throw new Error('nothing is in flight');
    return operation;
  }

  #submit<T>(first: number, compute: () => T): Promise<T> {
    this.started.push(first);
    return new Promise((resolve, reject) => {
      this.#inFlight.push({
        finish: () => {
          resolve(compute());
        },
        fail: reject,
      });
      this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    });
  }
}

export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Keeps the log. */
export class FakeLogger implements Logger {
  readonly entries: LogEntry[] = [];

  debug(message: string, fields: object = {}): void {
    this.#log('debug', message, fields);
  }

  info(message: string, fields: object = {}): void {
    this.#log('info', message, fields);
  }

  warn(message: string, fields: object = {}): void {
    this.#log('warn', message, fields);
  }

  error(message: string, fields: object = {}): void {
    this.#log('error', message, fields);
  }

  /** The entries with a message, oldest first. */
  of(message: string): LogEntry[] {
    return this.entries.filter((entry) => entry.message === message);
  }

  /** The log entries of all requests that have left the mediator, oldest first. */
  get finished(): Readonly<Record<string, unknown>>[] {
    return this.of('request finished').map(({ fields }) => fields);
  }

  #log(level: LogEntry['level'], message: string, fields: object): void {
    this.entries.push({ level, message, fields: { ...fields } });
  }
}
