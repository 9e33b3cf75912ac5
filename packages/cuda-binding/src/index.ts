export { CpuVectorAdder, type CpuVectorAdderOptions } from './cpu-vector-adder.js';
export type { CudaDeviceInfo } from './cuda-device-info.js';
export { listDevices } from './cuda-devices.js';
export { CudaError, type CudaFailure } from './cuda-error.js';
export { DeviceError, type DeviceErrorCode } from './device-error.js';
export { openDevice, type OpenDeviceOptions } from './open-device.js';
export {
  sumDevice,
  type AddCall,
  type Device,
  type OperationCall,
  type OperationResult,
  type RunOptions,
} from './device.js';
export type { AddOptions, DeviceInfo, VectorAdder } from './vector-adder.js';
