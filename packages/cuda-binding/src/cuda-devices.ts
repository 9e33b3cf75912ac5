import { loadAddon, promised } from './native.js';
import type { DeviceInfo } from './vector-adder.js';

/** A CUDA device, as `listDevices` gives it and as an open one has it in `device`. */
export interface CudaDeviceInfo extends DeviceInfo {
  /** Always `'cuda'`. */
  readonly backend: 'cuda';
  /** As `nvidia-smi -L` prints it: `GPU-` and 32 hexadecimal digits in five groups. */
  readonly uuid: string;
  /** All of the device's memory, in bytes. */
  readonly memoryBytes: number;
  /** Major and minor, such as `9.0`. */
  readonly computeCapability: string;
  /** Domain, bus, device and function, such as `0000:3b:00.0`, as Linux names it in sysfs. */
  readonly pciBusId: string;
}

/**
 * The CUDA devices of this machine in the driver's order, which CUDA_VISIBLE_DEVICES can change. May
 * take some hundred milliseconds the first time.
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
