import { readFile } from 'node:fs/promises';

import { ScalarAddition, VectorAddition } from './addition.js';
import type { CudaDeviceInfo } from './cuda-device-info.js';
import { listDevices } from './cuda-devices.js';
import { DeviceError } from './device-error.js';
import { LaunchQueue } from './launch-queue.js';
import {
  errorOf,
  fileForDevices,
  loadAddon,
  promised,
  type NativeAddon,
  type OpenedDevice,
} from './native.js';
import {
  addOptionsError,
  closedError,
  lengthError,
  scalarError,
  vectorError,
} from './validation.js';
import { Scratch, SCRATCH_TOTAL_LENGTH } from './scratch.js';
import type { AddOptions, VectorAdder } from './vector-adder.js';

/**
 * Adds on a CUDA device.
 *
 * The JavaScript thread never waits for the device: see `LaunchQueue` for how additions are launched
 * and how their ends are noticed.
 */
export class CudaVectorAdder implements VectorAdder {
  readonly device: CudaDeviceInfo;
  readonly #addon: NativeAddon;
  readonly #opened: OpenedDevice;
  readonly #queue: LaunchQueue;
  #closing: Promise<void> | undefined;

  /**
   * Opens a device and tries it out, which takes some 0.3 seconds.
   *
   * Rejects with `BACKEND_UNAVAILABLE`, `NO_SUCH_DEVICE` or a `CudaError`.
   */
  static async open(index: number): Promise<CudaVectorAdder> {
    const addon = loadAddon();
    const { length: count } = await listDevices();
    if (index >= count) throw noSuchDevice(index, count);
    const image = await readFile(fileForDevices('kernels/vector_add.fatbin'));
    const opened = await promised<OpenedDevice>(`opening CUDA device ${index}`, (reply) => {
      addon.open(index, image, reply);
    });
    const adder = new CudaVectorAdder(addon, opened);
    try {
      adder.#queue.scratch = new Scratch(await adder.allocate(SCRATCH_TOTAL_LENGTH));
      return adder;
    } catch (error) {
      await adder.close();
      throw error;
    }
  }

  private constructor(addon: NativeAddon, opened: OpenedDevice) {
    this.device = opened.device;
    this.#addon = addon;
    this.#opened = opened;
    this.#queue = new LaunchQueue(addon, opened);
  }

  add(a: Int32Array, b: Int32Array, options: AddOptions = {}): Promise<Int32Array> {
    const invalid = this.#unusable() ?? addOptionsError(options) ?? vectorError(a, b, options.out);
    if (invalid !== undefined) return Promise.reject(invalid);
    const { out, onDeviceTime } = options;
    return new Promise((resolve, reject) => {
      this.#queue.push(new VectorAddition({ a, b, out, onDeviceTime, resolve, reject }));
    });
  }

  /** Calls that are made in the same turn of the event loop share launches, up to 64 in each. */
  addScalar(a: number, b: number): Promise<number> {
    const invalid = this.#unusable() ?? scalarError(a, b);
    if (invalid !== undefined) return Promise.reject(invalid);
    return new Promise((resolve, reject) => {
      this.#queue.push(new ScalarAddition(a, b, resolve, reject));
    });
  }

  async allocate(length: number): Promise<Int32Array> {
    const invalid = this.#unusable() ?? lengthError(length);
    if (invalid !== undefined) throw invalid;
    if (length === 0) return new Int32Array(0);
    const what = `allocating ${length} elements of pinned memory for CUDA device ${this.device.index}`;
    const buffer = await promised<ArrayBuffer>(what, (reply) => {
      const bytes = length * Int32Array.BYTES_PER_ELEMENT;
      this.#addon.allocate(this.#opened.handle, bytes, (failure, memory) => {
        if (failure !== null) this.#queue.reportFailure(failure);
        reply(failure, memory);
      });
    });
    this.#queue.pinned.add(buffer);
    return new Int32Array(buffer);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#queue.whenIdle();
    await promised(`closing CUDA device ${this.device.index}`, (reply) => {
      this.#addon.close(this.#opened.handle, reply);
    });
  }

  #unusable(): DeviceError | undefined {
    if (this.#closing !== undefined) return closedError(this.device);
    const { failure } = this.#queue;
    return failure && errorOf(failure, `using CUDA device ${this.device.index}, which is lost`);
  }
}

function noSuchDevice(index: number, count: number): DeviceError {
  const there = count === 1 ? 'there is only device 0' : `there are devices 0 to ${count - 1}`;
  return new DeviceError(
    'NO_SUCH_DEVICE',
    `expected a CUDA device that is there, received index ${index}, but ${there}: see \`nvidia-smi -L\` and CUDA_VISIBLE_DEVICES`,
  );
}
