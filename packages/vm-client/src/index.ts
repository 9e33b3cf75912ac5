export { type Operands, type Reply, VgpuClient } from './client.js';
export { exitCodeOf, type FailureCode, RequestRejectedError } from './errors.js';
export { VgpuError, type VgpuErrorCode } from './errors.js';
export { type Claim, resolveIdentity } from './identity.js';
export type { CallOptions, CallSignal, ClientOptions } from './options.js';
export { findDevices, type PciDevice } from './pci-device.js';
export { readIdentity } from './read-identity.js';
export { readRegisterFile } from './register-file.js';
