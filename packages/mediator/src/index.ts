export type { DeviceFault } from './devices/execution.js';
export type { Distribution, StatisticsSnapshot } from './telemetry/statistics.js';
export type { FinishedRequest, Outcome } from './telemetry/finished-request.js';
export type { Logger } from './telemetry/logger.js';
export { Mediator } from './mediator.js';
export type { MediatorOptions } from './options.js';
export { MediatorError, type MediatorErrorCode } from './mediator-error.js';
export type { MediatorObserver } from './telemetry/observer.js';
export type { Percentiles } from './telemetry/recent-durations.js';
export { DEFAULT_SETTINGS, type MediatorSettings } from './settings.js';
export { Registration } from './state/registry.js';
export { Registry } from './state/registry.js';
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
} from './telemetry/snapshot.js';
export type { RateLimit } from './intake/token-bucket.js';
export type { VmTotals } from './telemetry/statistics.js';
export { addVm, type AddedVm, type AddVmOptions } from './provisioning/add-vm.js';
export { reloadMediator } from './control/reload-mediator.js';
export { deviceFileOf } from './provisioning/device-file.js';
export { exportsLine, type ExportTo } from './provisioning/exports-line.js';
export { describeLibvirt, describeQemu, describeStub } from './provisioning/hypervisors.js';
export { removeVm } from './provisioning/remove-vm.js';
export { removeVmDirectory } from './provisioning/remove-vm-directory.js';
export { setPool } from './provisioning/set-pool.js';
export { setVm, type VmChanges } from './provisioning/set-vm.js';
