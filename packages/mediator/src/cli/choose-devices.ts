import { DeviceError, type CudaDeviceInfo } from '@vgpu/cuda-binding';
import type { Options } from './options.js';

/**
 * The numbers of the devices to serve with: the ones that were asked for, or all there are.
 *
 * @param listDevices Asked unless the backend is `cpu`.
 * @throws DeviceError if there is no such device, or with backend `cuda` if there is none at all.
 */
export async function chooseDevices(
  { backend, devices }: Pick<Options, 'backend' | 'devices'>,
  listDevices: () => Promise<readonly CudaDeviceInfo[]>,
): Promise<readonly number[]> {
  const found = backend === 'cpu' ? undefined : await find(backend, listDevices);
  if (found === undefined) return devices === 'all' ? [0] : devices;
  if (devices === 'all') return found.map(({ index }) => index);
  const missing = devices.filter((number) => !found.some(({ index }) => index === number));
  if (missing.length > 0) {
    const known = found.map(({ index, name }) => `${index} (${name})`).join(', ');
    throw new DeviceError(
      'NO_SUCH_DEVICE',
      `expected CUDA devices among ${known}, got ${missing.join(', ')}`,
    );
  }
  return devices;
}

/** The CUDA devices; undefined if `auto` is to fall back to the CPU, of which opening then warns. */
async function find(
  backend: 'auto' | 'cuda',
  listDevices: () => Promise<readonly CudaDeviceInfo[]>,
): Promise<readonly CudaDeviceInfo[] | undefined> {
  try {
    const found = await listDevices();
    if (found.length > 0) return found;
    throw new DeviceError('BACKEND_UNAVAILABLE', 'expected a CUDA device, found none');
  } catch (error) {
    if (backend === 'auto' && error instanceof DeviceError) return undefined;
    throw error;
  }
}
