import type { PoolSnapshot } from '../telemetry/snapshot.js';

/** Whose requests wait because none of the devices that were given to them works; a line each. */
export function waitingPools(pools: readonly PoolSnapshot[]): string[] {
  return pools.flatMap(({ pool, devices, isServed }) =>
    isServed || devices === null
      ? []
      : [`pool ${pool} waits: none of its devices ${devices.join(', ')} works`],
  );
}
