import type { PoolSnapshot } from '../telemetry/snapshot.js';

/** A line for each pool whose requests wait because none of its devices works. */
export function waitingPools(pools: readonly PoolSnapshot[]): string[] {
  return pools.flatMap(({ pool, devices, isServed }) =>
    isServed || devices === null
      ? []
      : [`pool ${pool} waits: none of its devices ${devices.join(', ')} works`],
  );
}
