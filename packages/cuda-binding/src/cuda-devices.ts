import type { CudaDeviceInfo } from './cuda-device-info.js';
import { loadAddon, promised } from './native.js';

/**
 * Lists the CUDA devices of this machine in the driver's order, which CUDA_VISIBLE_DEVICES can change.
 * The first call may take some hundred milliseconds.
 *
 * Rejects with `BACKEND_UNAVAILABLE` if there is no driver or the native part can't be loaded, and
 * with a `CudaError` if the driver refuses, such as `CUDA_ERROR_NO_DEVICE`.
 */
export async function listDevices(): Promise<readonly CudaDeviceInfo[]> {
  const addon = loadAddon();
  return promised('listing the CUDA devices', (reply) => {
    addon.listDevices(reply);
  });
}
