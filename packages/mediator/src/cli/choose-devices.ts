import { DeviceError, type CudaDeviceInfo } from '@vgpu/cuda-binding';
import type { Options } from './options.js';

export interface Choice {
  /** `auto` only for a single GPU: the CPU is no help to GPUs that work. */
  readonly backend: Options['backend'];
  readonly numbers: readonly number[];
  /** Why the CPU is to serve where `auto` was asked for. */
  readonly fallback?: DeviceError;
}

/**
 * The devices to serve with: the ones that were asked for, or all there are.
 *
 * @param listDevices Asked unless the backend is `cpu`.
 * @throws DeviceError if there is no such device, or with backend `cuda` if there is none at all.
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

/** The CUDA devices; the reason if `auto` is to fall back to the CPU. */
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
