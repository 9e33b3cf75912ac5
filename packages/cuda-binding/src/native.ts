import { LinuxError, loadAddon as load } from '@vgpu/linux/addons';
import type { CudaDeviceInfo } from './cuda-device-info.js';
import { CudaError, type CudaFailure } from './cuda-error.js';
import { DeviceError } from './device-error.js';
import { SOURCE_HASH } from './constants.js';
import { ownFiles } from './own-files.js';

/** What identifies an open device to the addon. */
type DeviceHandle = object & { readonly deviceHandle: unique symbol };

/** There is no driver, or one that is too old. */
interface DriverUnavailable {
  readonly reason: string;
}

export type NativeFailure = CudaFailure | DriverUnavailable;

/** Called once, with a failure or with a result. */
type Reply<T> = (failure: NativeFailure | null, result: T) => void;

export interface OpenedDevice {
  readonly handle: DeviceHandle;
  readonly device: CudaDeviceInfo;
  /** The ring: two int32 for each ticket, the value and the ticket that it belongs to. */
  readonly completions: ArrayBuffer;
  /** What `launchBatch` launches: first ticket, count, all first operands, all second operands. */
  readonly batch: ArrayBuffer;
}

/** The functions of `native/addon.cc`, where each is described. */
export interface NativeAddon {
  /** SHA-256 of the sources that it was built from. */
  readonly sourceHash: string;
  readonly ringCapacity: number;
  readonly batchCapacity: number;
  endWithParent(): void;
  listDevices(reply: Reply<readonly CudaDeviceInfo[]>): void;
  open(index: number, image: Uint8Array, reply: Reply<OpenedDevice>): void;
  launchBatch(handle: DeviceHandle): NativeFailure | null | false;
  add(
    handle: DeviceHandle,
    a: Int32Array,
    b: Int32Array,
    out: Int32Array,
    count: number,
    ticket: number,
    reply: Reply<null>,
  ): boolean | null | NativeFailure;
  wait(handle: DeviceHandle, reply: Reply<null>): void;
  allocate(handle: DeviceHandle, bytes: number, reply: Reply<ArrayBuffer>): void;
  newResult(handle: DeviceHandle, bytes: number): ArrayBuffer | NativeFailure;
  close(handle: DeviceHandle, reply: Reply<null>): void;
}

let addon: NativeAddon | undefined;

/**
 * The addon, loaded at the first call: importing this package loads nothing.
 *
 * @throws DeviceError `BACKEND_UNAVAILABLE`, which says what was tried.
 */
export function loadAddon(): NativeAddon {
  const description = { from: ownFiles, name: 'vgpu_cuda', sourceHash: SOURCE_HASH };
  return (addon ??= orUnavailable(() => load(description) as NativeAddon));
}

/**
 * The path of a file of this package that CUDA devices need.
 *
 * @throws DeviceError `BACKEND_UNAVAILABLE`, which says what was tried.
 */
export function fileForDevices(path: string): string {
  return orUnavailable(() => ownFiles.at(path));
}

function orUnavailable<T>(find: () => T): T {
  try {
    return find();
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    const message = `${error.message}, or use the 'cpu' backend`;
    throw new DeviceError('BACKEND_UNAVAILABLE', message, { cause: error });
  }
}

/** Turns what the addon hands over into an error; `what` says what was being done. */
export function errorOf(failure: NativeFailure, what: string): DeviceError {
  if ('status' in failure) return new CudaError(failure, what);
  return new DeviceError(
    'BACKEND_UNAVAILABLE',
    `${what}: expected the NVIDIA driver on this machine, but it can't be opened (${failure.reason}): install it, or use the 'cpu' backend`,
  );
}

/** Makes a promise of a function that replies. */
export function promised<T>(what: string, start: (reply: Reply<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((failure, result) => {
      if (failure === null) resolve(result);
      else reject(errorOf(failure, what));
    });
  });
}
