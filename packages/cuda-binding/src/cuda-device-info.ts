import type { DeviceInfo } from './vector-adder.js';

/** A CUDA device, as in the list of `listDevices` and in the `device` of an open one. */
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
