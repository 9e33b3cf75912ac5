import {
  DeviceError,
  type CudaDeviceInfo,
  type openDevice,
  type VectorAdder,
} from '@vgpu/cuda-binding';
import type { Logger } from '../telemetry/logger.js';
import type { Options } from './options.js';

export interface Choice {
  /** `auto` only for a single GPU: several GPUs need no fallback. */
  readonly backend: Options['backend'];
  readonly numbers: readonly number[];
  /** Why the CPU serves, if the backend was `auto`. */
  readonly fallback?: DeviceError;
}

/**
 * The devices that serve: the configured ones, or all.
 *
 * @param listDevices Called unless the backend is `cpu`.
 * @throws DeviceError if a configured device does not exist, or with backend `cuda` if there is no
 *   device.
 */
export async function chooseDevices(
  { backend, devices }: Pick<Options, 'backend' | 'devices'>,
  listDevices: () => Promise<readonly CudaDeviceInfo[]>,
): Promise<Choice> {
  const found = backend === 'cpu' ? [] : await find(backend, listDevices);
  if (backend === 'cpu' || found instanceof DeviceError) {
    const numbers = devices === 'all' ? [0] : devices;
    return { backend: 'cpu', numbers, ...(found instanceof DeviceError && { fallback: found }) };
  }
  const numbers = devices === 'all' ? found.map(({ index }) => index) : devices;
  const missing = numbers.filter((number) => !found.some(({ index }) => index === number));
  if (missing.length > 0) {
    const known = found.map(({ index, name }) => `${index} (${name})`).join(', ');
    throw new DeviceError(
      'NO_SUCH_DEVICE',
      `--devices: expected CUDA devices among ${known}, got ${missing.join(', ')}`,
    );
  }
  return { backend: numbers.length > 1 ? 'cuda' : backend, numbers };
}

/** The CUDA devices, or why `auto` falls back to the CPU. */
async function find(
  backend: 'auto' | 'cuda',
  listDevices: () => Promise<readonly CudaDeviceInfo[]>,
): Promise<readonly CudaDeviceInfo[] | DeviceError> {
  try {
    const found = await listDevices();
    if (found.length > 0) return found;
    throw new DeviceError('BACKEND_UNAVAILABLE', 'expected a CUDA device, found none');
  } catch (error) {
    if (backend === 'cuda' || !(error instanceof DeviceError)) throw error;
    return error;
  }
}

/** Logs that the CPU serves, because `auto` found no usable CUDA device. */
export function warnOfCpu(logger: Logger, { message }: Error, device: number): void {
  logger.warn('computing on the CPU, because no CUDA device can be used', {
    device,
    reason: message,
    remedy: 'use --backend cpu if that is intended',
  });
}

/** Returns a function that opens a device, also again after it was lost. */
export function deviceOpener(
  options: Pick<Options, 'backend' | 'cpu-delay'>,
  index: number,
  logger: Logger,
  open: typeof openDevice,
): () => Promise<VectorAdder> {
  let { backend } = options;
  let isolated = false;
  return async () => {
    const adder = await open({
      backend,
      index,
      isolated,
      cpuDelayMs: options['cpu-delay'],
      onFallback: (reason) => {
        warnOfCpu(logger, reason, index);
      },
    });
    // If a GPU is lost later, it is reopened; a fallback to the CPU would be permanent.
    ({ backend } = adder.device);
    // After a fault the driver refuses the GPU to this process, but not to another one.
    isolated = true;
    return adder;
  };
}
