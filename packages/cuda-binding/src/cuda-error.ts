import { DeviceError } from './device-error.js';

/** A failed call of the driver. */
export interface CudaFailure {
  /** The function that failed, such as `cuLaunchKernel`. */
  readonly operation: string;
  /** The `CUresult`, such as 719. */
  readonly status: number;
  /** The driver's name of it, such as `CUDA_ERROR_LAUNCH_FAILED`. */
  readonly name: string;
  /** The driver's description of it. */
  readonly description: string;
}

/**
 * A call of the CUDA driver failed. `code` is the driver's name of the status.
 *
 * Names, numbers and consequences are those of the CUDA Driver API, "Data types used by CUDA
 * driver", enumeration `CUresult`.
 */
export class CudaError extends DeviceError {
  /** Always `'CudaError'`. */
  override name = 'CudaError';
  /** The driver's name of the status, such as `CUDA_ERROR_LAUNCH_FAILED`. */
  declare readonly code: `CUDA_ERROR_${string}`;
  /** The function of the driver that failed, such as `cuLaunchKernel`. */
  readonly operation: string;
  /** The `CUresult`, such as 719. */
  readonly status: number;
  override readonly isDeviceLost: boolean;

  /**
   * @param failure The failed call of the driver.
   * @param what The action that failed, for the message.
   */
  constructor(failure: CudaFailure, what: string) {
    const { operation, status, name, description } = failure;
    const isDeviceLost = !KEEPS_CONTEXT.has(status);
    const remedy = remedyFor(operation, status, isDeviceLost);
    super(
      name as `CUDA_ERROR_${string}`,
      `${what}: ${operation} failed with ${name} (${status}, ${description}): ${remedy}`,
    );
    this.operation = operation;
    this.status = status;
    this.isDeviceLost = isDeviceLost;
  }

  /** @internal Restores the error of another process. */
  static revive(of: { code: string; message: string; operation: string; status: number }) {
    const { code, message, operation, status } = of;
    const error = new CudaError({ operation, status, name: code, description: '' }, '');
    error.message = message;
    return error;
  }
}

/**
 * Statuses of refused calls, which leave the context as it was. All others are caused by a running
 * kernel or by the hardware: after them the driver documents that the context can't be used any more,
 * or does not promise that it can.
 */
const KEEPS_CONTEXT: ReadonlySet<number> = new Set([
  1, // INVALID_VALUE
  2, // OUT_OF_MEMORY
  205, // MAP_FAILED
  206, // UNMAP_FAILED
  304, // OPERATING_SYSTEM
  701, // LAUNCH_OUT_OF_RESOURCES
  712, // HOST_MEMORY_ALREADY_REGISTERED
  713, // HOST_MEMORY_NOT_REGISTERED
  720, // COOPERATIVE_LAUNCH_TOO_LARGE
  800, // NOT_PERMITTED
  801, // NOT_SUPPORTED
]);

/** What to do. It depends on the function, too: before a device is open, a status has other causes. */
function remedyFor(operation: string, status: number, isDeviceLost: boolean): string {
  const fallback = isDeviceLost ? reopening(operation) : LOOK_UP;
  if (status === ECC_UNCORRECTABLE) {
    return `memory of the GPU is faulty (\`nvidia-smi -q -d ECC\`); ${fallback}`;
  }
  return REMEDIES_OF_CALLS.get(operation)?.get(status) ?? REMEDIES.get(status) ?? fallback;
}

/** What to do after a status that makes the context unusable. */
function reopening(operation: string): string {
  if (operation === 'cuInit' || operation.startsWith('cuDevice')) return SEE_DRIVER;
  return BEFORE_OPEN.has(operation) ? OPEN_ISOLATED : REOPEN;
}

const ECC_UNCORRECTABLE = 214;

/** Functions that are called before there is a device to close. */
const BEFORE_OPEN: ReadonlySet<string> = new Set([
  'cuCtxCreate',
  'cuModuleLoadData',
  'cuModuleGetFunction',
  'cuFuncGetParamInfo',
]);

const REOPEN = 'close the device and reopen it in another process (`isolated`)';
const OPEN_ISOLATED =
  'open the device in another process (`isolated`); if that fails too, read the messages of the kernel (`dmesg | grep NVRM`)';
const SEE_DRIVER =
  'see whether `nvidia-smi` works, and read the messages of the kernel (`dmesg | grep NVRM`)';
const OLD_DRIVER = 'update the driver: it must be 580 (CUDA 13) or later';
const LOOK_UP = 'see this name in the CUDA Driver API documentation';
/** `nvidia-smi` works without this module, which is loaded only when a program uses CUDA. */
const UVM =
  'load the kernel module nvidia-uvm and make its device files (`sudo modprobe nvidia-uvm`, `sudo nvidia-modprobe -u -c=0`), and let this user open /dev/nvidia-uvm; a container needs that file too';
const GPU_MEMORY = 'free memory of the GPU: `nvidia-smi` lists the processes that use it';
const HOST_MEMORY =
  'free memory of this machine, raise what limits it (`ulimit -v`, `ulimit -l`, MemoryMax= of a unit), or use smaller vectors or fewer at a time';
const MPS =
  'see whether the MPS server runs, and how many clients it has (nvidia-cuda-mps-control)';

/** For all functions that `REMEDIES_OF_CALLS` does not have. */
const REMEDIES: ReadonlyMap<number, string> = new Map([
  [2, 'use smaller vectors or fewer at a time, or free memory'],
  [3, 'see whether `nvidia-smi` works'],
  [34, 'remove the toolkit’s stub library from the library path'],
  [36, OLD_DRIVER],
  [46, 'another process holds the device for itself (`nvidia-smi -q -d COMPUTE`)'],
  [
    100,
    'see whether `nvidia-smi` lists a GPU, and check CUDA_VISIBLE_DEVICES; a container has only the GPUs that it is given',
  ],
  [101, 'list the devices again: their numbers follow CUDA_VISIBLE_DEVICES, and a GPU may be lost'],
  [200, OLD_DRIVER],
  [209, 'this GPU is older than compute capability 7.5, or its driver older than 580'],
  [218, OLD_DRIVER],
  [222, OLD_DRIVER],
  [
    802,
    'start nvidia-fabricmanager, in the very version of the driver, or wait until it is up: GPUs with NVSwitch need it',
  ],
  [
    803,
    'libcuda.so.1 is of another version than the kernel module: after an update of the driver reboot, or reload the module; in a container use the library of the host',
  ],
  [
    804,
    'the driver is too old for its CUDA compatibility package, or this GPU does not support it: remove the package from the library path, or update the driver',
  ],
  [805, MPS],
  [806, MPS],
  [807, MPS],
  [808, MPS],
  [809, MPS],
]);

const OUT_OF_MEMORY = 2;
const ofOpening: ReadonlyMap<number, string> = new Map([[OUT_OF_MEMORY, GPU_MEMORY]]);
const ofPinning: ReadonlyMap<number, string> = new Map([[OUT_OF_MEMORY, HOST_MEMORY]]);

const REMEDIES_OF_CALLS: ReadonlyMap<string, ReadonlyMap<number, string>> = new Map([
  [
    'cuInit',
    new Map([
      [OUT_OF_MEMORY, HOST_MEMORY],
      [304, UVM],
      [999, UVM],
    ]),
  ],
  ['cuCtxCreate', ofOpening],
  ['cuModuleLoadData', ofOpening],
  ['cuStreamCreate', ofOpening],
  ['cuMemHostRegister', ofPinning],
]);
