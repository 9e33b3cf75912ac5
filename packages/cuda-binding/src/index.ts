export { CpuVectorAdder, type CpuVectorAdderOptions } from './cpu-vector-adder.js';
export { DeviceError, type DeviceErrorCode } from './device-error.js';
export { openDevice, type OpenDeviceOptions } from './open-device.js';
export type { DeviceInfo, VectorAdder } from './vector-adder.js';
