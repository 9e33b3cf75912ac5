import type { Pool } from '@vgpu/protocol';
import { type Diagnosis, finding, orOk } from './diagnosis.js';

export interface PoolFacts {
  /** The devices of each pool; undefined for all. */
  readonly pools: readonly {
    readonly pool: Pool;
    readonly devices: readonly number[] | undefined;
  }[];
  /** The devices that serve; undefined if nobody knows. */
  readonly serving: readonly number[] | undefined;
}

/** Whether each pool has a device that serves: its requests would wait for ever. */
export function checkPools({ pools, serving }: PoolFacts): Diagnosis[] {
  const findings = pools.flatMap(({ pool, devices }) => {
    if (devices === undefined || serving === undefined) return [];
    if (devices.some((device) => serving.includes(device))) return [];
    return [
      finding(
        `pool ${pool} has the devices ${devices.join(', ')}, of which none serves; those that do are ` +
          `${serving.join(', ')}: its requests wait`,
        `vgpu-mediator pool set ${pool} --devices ${serving.join(',') || 'all'}`,
      ),
    ];
  });
  return orOk(findings, 'each pool has a device');
}
