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

/** The image has a kernel with other parameters, or the device can't run it in the shape in use. */
interface KernelMismatch {
  readonly kernel: string;
  /** What was found and what was expected, in words. */
  readonly difference: string;
}

export type NativeFailure = CudaFailure | DriverUnavailable | KernelMismatch;

/** What becomes of an addition that is passed to the addon. */
export const LaunchOutcome = {
  /** It ends with its completion word. */
  launched: 0,
  /** It is in the native pipeline, and ends with the callback. */
  staged: 1,
  /** Memory is being registered: nothing was launched, and it is to be tried later. */
  busy: 2,
} as const;
export type LaunchOutcome = (typeof LaunchOutcome)[keyof typeof LaunchOutcome];

/** Called once, with a failure or with a result. */
type Reply<T> = (failure: NativeFailure | null, result: T) => void;

export interface OpenedDevice {
  readonly handle: DeviceHandle;
  readonly device: CudaDeviceInfo;
  /** The memory of a `CompletionRing`. */
  readonly completions: ArrayBuffer;
  /** The operands of `launchBatch`: first ticket, count, all first operands, all second operands. */
  readonly batch: ArrayBuffer;
}

/** The functions of `native/addon.cc`, where each is described. */
export interface NativeAddon {
  /** SHA-256 of the sources that it was built from. */
  readonly sourceHash: string;
  readonly ringCapacity: number;
  readonly batchCapacity: number;
  readonly launchOutcomes: typeof LaunchOutcome;
  endWithParent(): void;
  listDevices(reply: Reply<readonly CudaDeviceInfo[]>): void;
  open(index: number, image: Uint8Array, reply: Reply<OpenedDevice>): void;
  launchBatch(
    handle: DeviceHandle,
  ): typeof LaunchOutcome.launched | typeof LaunchOutcome.busy | NativeFailure;
  add(
    handle: DeviceHandle,
    a: Int32Array,
    b: Int32Array,
    out: Int32Array,
    count: number,
    ticket: number,
    reply: Reply<null>,
  ): LaunchOutcome | NativeFailure;
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

/** The error for a failure of the addon; `what` says what was being done. */
export function errorOf(failure: NativeFailure, what: string): DeviceError {
  if ('status' in failure) return new CudaError(failure, what);
  if ('kernel' in failure) {
    return new DeviceError(
      'BACKEND_UNAVAILABLE',
      `${what}: expected the ${failure.kernel} of this version of the package, but ${failure.difference}: install the package again, or use the 'cpu' backend`,
    );
  }
  return new DeviceError(
    'BACKEND_UNAVAILABLE',
    `${what}: expected the NVIDIA driver on this machine, but it can't be opened (${failure.reason}): install it, or use the 'cpu' backend`,
  );
}

/** Wraps a function with a callback in a promise. */
export function promised<T>(what: string, start: (reply: Reply<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((failure, result) => {
      if (failure === null) resolve(result);
      else reject(errorOf(failure, what));
    });
  });
}
