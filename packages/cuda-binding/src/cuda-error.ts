import { DeviceError } from './device-error.js';

/** What the driver says of a failed call. */
export interface CudaFailure {
  /** The function that failed, such as `cuLaunchKernel`. */
  readonly operation: string;
  /** The `CUresult`, such as 719. */
  readonly status: number;
  /** The driver's name of it, such as `CUDA_ERROR_LAUNCH_FAILED`. */
  readonly name: string;
  /** The driver's words for it. */
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
   * @param failure What the driver says.
   * @param what What was being done, for the message.
   */
  constructor(failure: CudaFailure, what: string) {
    const { operation, status, name, description } = failure;
    const isDeviceLost = !KEEPS_CONTEXT.has(status);
    const remedy = REMEDIES.get(status) ?? (isDeviceLost ? REOPEN : LOOK_UP);
    super(
      name as `CUDA_ERROR_${string}`,
      `${what}: ${operation} failed with ${name} (${status}, ${description}): ${remedy}`,
    );
    this.operation = operation;
    this.status = status;
    this.isDeviceLost = isDeviceLost;
  }

  /** @internal The error that it was in another process. */
  static revive(of: { code: string; message: string; operation: string; status: number }) {
    const { code, message, operation, status } = of;
    const error = new CudaError({ operation, status, name: code, description: '' }, '');
    error.message = message;
    return error;
  }
}

/**
 * Statuses that leave the context as it was: the call was refused. After all others, which a running
 * kernel or the hardware causes, the driver documents that the context can't be used any more, or
 * does not promise that it can.
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

const REOPEN = 'close the device and open it anew in another process (`isolated`)';
const OLD_DRIVER = 'update the driver: it must be 580 (CUDA 13) or later';
const LOOK_UP = 'see this name in the CUDA Driver API documentation';

const REMEDIES: ReadonlyMap<number, string> = new Map([
  [2, 'use smaller vectors or fewer at a time, or free memory'],
  [3, 'see whether `nvidia-smi` works'],
  [34, 'remove the toolkit’s stub library from the library path'],
  [46, 'another process holds the device for itself (`nvidia-smi -q -d COMPUTE`)'],
  [100, 'see whether `nvidia-smi` lists a GPU, and look at CUDA_VISIBLE_DEVICES'],
  [200, OLD_DRIVER],
  [209, 'this GPU is older than compute capability 7.5, or its driver older than 580'],
  [218, OLD_DRIVER],
  [222, OLD_DRIVER],
  [214, `memory of the GPU is faulty (\`nvidia-smi -q -d ECC\`); ${REOPEN}`],
  [802, 'start nvidia-fabricmanager, or wait until it is up'],
  [803, 'the driver was updated while the kernel module was loaded: reboot, or reload the module'],
  [804, 'the driver is too old for its CUDA compatibility package'],
]);
