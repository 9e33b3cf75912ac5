import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type bindings from 'bindings';

import type { CudaDeviceInfo } from './cuda-devices.js';
import { CudaError, type CudaFailure } from './cuda-error.js';
import { DeviceError } from './device-error.js';

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

/** Where the addon may be: built on this machine, or as it came with the package. */
const PLACES = [
  ['module_root', 'build', 'Release', 'bindings'],
  ['module_root', 'prebuilds', `${process.platform}-${process.arch}`, 'bindings'],
];

let addon: NativeAddon | undefined;

/**
 * The addon, loaded at the first call, and what loads it too: importing this package loads nothing.
 *
 * @throws DeviceError `BACKEND_UNAVAILABLE`, which says what was tried.
 */
export function loadAddon(): NativeAddon {
  try {
    // An explicit root, because guessing it from the call stack fails under test runners.
    const module_root = fileURLToPath(new URL('..', import.meta.url));
    addon ??= load()({ bindings: 'vgpu_cuda', module_root, try: PLACES }) as NativeAddon;
    return addon;
  } catch (error) {
    throw new DeviceError(
      'BACKEND_UNAVAILABLE',
      `expected a native part for ${process.platform} on ${process.arch}, but none can be loaded (${firstLine(error)}): build it with \`npm rebuild --foreground-scripts @vgpu/cuda-binding\`, which needs Python, make and a C++17 compiler, or use the 'cpu' backend`,
      { cause: error },
    );
  }
}

const load = () => createRequire(import.meta.url)('bindings') as typeof bindings;

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

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  // `bindings` lists below what it tried.
  return (text.split('\n', 1)[0] ?? text).replace(/ Tried:$/, '');
}
