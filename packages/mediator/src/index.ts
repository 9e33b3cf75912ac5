export type { DeviceFault } from './execution.js';
export type { Distribution, FinishedRequest, Outcome, StatisticsSnapshot } from './statistics.js';
export type { Logger } from './logger.js';
export { Mediator, type MediatorOptions } from './mediator.js';
export { MediatorError, type MediatorErrorCode } from './mediator-error.js';
export type { MediatorObserver } from './observer.js';
export type { Percentiles } from './recent-durations.js';
export { DEFAULT_SETTINGS, type MediatorSettings } from './settings.js';
export { Registration } from './registration.js';
export { Registry } from './registry.js';
export type {
  DeviceSnapshot,
  MediatorOverview,
  MediatorSnapshot,
  Phase,
  QueueDepth,
  PoolSnapshot,
  QueueSnapshot,
  VmOverview,
  VmSnapshot,
} from './snapshot.js';
export type { RateLimit } from './token-bucket.js';
export type { VmTotals } from './vm-statistics.js';
export { addVm, type AddedVm, type AddVmOptions } from './vms/add-vm.js';
export { reloadMediator } from './control/reload-mediator.js';
export { deviceFileOf } from './vms/device-file.js';
export { exportsLine, type ExportTo } from './vms/exports-line.js';
export { describeLibvirt, describeQemu, describeStub } from './vms/hypervisors.js';
export { removeVm } from './vms/remove-vm.js';
export { removeVmDirectory } from './vms/remove-vm-directory.js';
export { setPool } from './vms/set-pool.js';
export { setVm, type VmChanges } from './vms/set-vm.js';
