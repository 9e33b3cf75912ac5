import { fork, type ChildProcess } from 'node:child_process';

import type { CudaDeviceInfo } from './cuda-device-info.js';
import { CudaError } from './cuda-error.js';
import { DeviceError, operandsChanged } from './device-error.js';
import type { FromDevice, SentError, ToDevice } from './device-messages.js';
import { fileForDevices } from './native.js';
import {
  addOptionsError,
  closedError,
  lengthError,
  scalarError,
  vectorError,
} from './validation.js';
import type { AddOptions, VectorAdder } from './vector-adder.js';

/** The process is killed if the device takes longer to finish and close, milliseconds. */
const CLOSE_LIMIT_MS = 5000;

interface Call {
  readonly resolve: (reply: { sum: number | Int32Array; deviceMs?: number | undefined }) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A CUDA device in a process of its own, for as long as it is open.
 *
 * After a fault the driver does not let a process use the device any more, not even with a new context
 * (seen with driver 580). A new process can use it; and a device that hangs ends with its process. The
 * price is some 0.1 milliseconds for the messages of a call, and memory that has to be copied.
 */
export class IsolatedDevice implements VectorAdder {
  readonly device: CudaDeviceInfo;
  readonly #process: ChildProcess;
  /** The calls in flight, oldest first: responses come in this order. */
  readonly #calls: Call[] = [];
  readonly #ended: Promise<void>;
  #closing: Promise<void> | undefined;
  #end: string | undefined;
  #onIdle: (() => void) | undefined;

  /** Rejects with `BACKEND_UNAVAILABLE`, `NO_SUCH_DEVICE`, `DEVICE_LOST` or a `CudaError`. */
  static async open(index: number): Promise<IsolatedDevice> {
    // The built program, also when this module runs from the sources, as in tests.
    const program = fileForDevices('dist/device-process.js');
    const child = fork(program, [String(index), String(process.pid)], {
      execArgv: [],
      serialization: 'advanced',
      // The process prints only when it dies: the reason.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const device = await new Promise<CudaDeviceInfo>((resolve, reject) => {
      child.once('message', (message: FromDevice) => {
        if ('opened' in message) resolve(message.opened);
        else if ('error' in message) reject(errorFrom(message.error));
      });
      child.once('error', (cause) => {
        reject(notStarted(index, cause));
      });
      child.once('exit', (status, signal) => {
        reject(lost(index, endOf(status, signal)));
      });
    });
    return new IsolatedDevice(child, device);
  }

  private constructor(child: ChildProcess, device: CudaDeviceInfo) {
    this.#process = child;
    this.device = device;
    child.on('message', (message: FromDevice) => {
      this.#settle(message);
    });
    // A message to a process that has just ended: `exit`, which follows, settles everything.
    child.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      child.once('exit', (status, signal) => {
        this.#end = endOf(status, signal);
        for (const call of this.#calls.splice(0)) call.reject(lost(device.index, this.#end));
        this.#onIdle?.();
        resolve();
      });
    });
    child.unref();
    child.channel?.unref();
  }

  add(a: Int32Array, b: Int32Array, options: AddOptions = {}): Promise<Int32Array> {
    const invalid = this.#unusable() ?? addOptionsError(options) ?? vectorError(a, b, options.out);
    if (invalid !== undefined) return Promise.reject(invalid);
    const { out, onDeviceTime } = options;
    return this.#send({ a, b }).then(({ sum, deviceMs }) => {
      const received = sum as Int32Array;
      if (out !== undefined && out.length !== received.length) throw operandsChanged();
      if (deviceMs !== undefined) onDeviceTime?.(deviceMs);
      if (out !== undefined) {
        out.set(received);
        return out;
      }
      // A short array is a part of a buffer that Node shares among messages.
      return received.buffer.byteLength === received.byteLength ? received : received.slice();
    });
  }

  addScalar(a: number, b: number): Promise<number> {
    const invalid = this.#unusable() ?? scalarError(a, b);
    if (invalid !== undefined) return Promise.reject(invalid);
    return this.#send({ a, b }).then(({ sum }) => sum as number);
  }

  /** Ordinary memory: the device's process can't reach this one's. */
  allocate(length: number): Promise<Int32Array> {
    const invalid = this.#unusable() ?? lengthError(length);
    if (invalid !== undefined) return Promise.reject(invalid);
    return new Promise((resolve) => {
      resolve(new Int32Array(length));
    });
  }

  /** Also if the device hangs: after five seconds its process is killed, and calls in flight reject. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#process.ref();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), CLOSE_LIMIT_MS);
    if (this.#calls.length > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    if (this.#process.connected) this.#process.send({ close: true } satisfies ToDevice);
    await this.#ended;
    clearTimeout(timer);
  }

  #unusable(): DeviceError | undefined {
    if (this.#closing !== undefined) return closedError(this.device);
    return this.#end === undefined ? undefined : lost(this.device.index, this.#end);
  }

  #send(message: ToDevice): Promise<{ sum: number | Int32Array; deviceMs?: number | undefined }> {
    return new Promise((resolve, reject) => {
      this.#process.send(message);
      this.#calls.push({ resolve, reject });
      // Both: the channel of a process that was killed closes before the process is known to have ended.
      this.#process.ref();
      this.#process.channel?.ref();
    });
  }

  #settle(message: FromDevice): void {
    const call = this.#calls.shift();
    if (this.#calls.length === 0) {
      if (this.#closing === undefined) this.#process.unref();
      this.#process.channel?.unref();
      this.#onIdle?.();
    }
    if ('sum' in message) call?.resolve(message);
    else if ('error' in message) call?.reject(errorFrom(message.error));
  }
}

function errorFrom({ code, message, operation, status }: SentError): DeviceError {
  if (operation === undefined || status === undefined) return new DeviceError(code, message);
  return CudaError.revive({ code, message, operation, status });
}

function notStarted(index: number, cause: Error): DeviceError {
  return new DeviceError(
    'BACKEND_UNAVAILABLE',
    `expected to start a process for CUDA device ${index}, but that failed (${cause.message}): open it without \`isolated\``,
    { cause },
  );
}

function endOf(status: number | null, signal: string | null): string {
  return signal === null ? `status ${status}` : `signal ${signal}`;
}

function lost(index: number, end: string): DeviceError {
  return new DeviceError(
    'DEVICE_LOST',
    `expected a response from the process that has CUDA device ${index}, but it ended with ${end}: close the device and reopen it`,
  );
}
