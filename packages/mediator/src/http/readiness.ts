import type { DeviceSnapshot, MediatorOverview } from '../telemetry/snapshot.js';

/** Whether a device takes requests. */
export function canServe({ state }: Pick<DeviceSnapshot, 'state'>): boolean {
  return state === 'idle' || state === 'busy';
}

/** Why a mediator does not serve, in words; empty if it serves. */
export function obstaclesOf({ phase, isRootReadable, devices }: MediatorOverview): string[] {
  return [
    ...(phase === 'serving' ? [] : [phase === 'new' ? 'it is starting' : `it is ${phase}`]),
    ...(devices.some(canServe) ? [] : ['no device works']),
    ...(isRootReadable ? [] : ['the root cannot be read']),
  ];
}
