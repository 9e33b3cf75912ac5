import type { CudaDeviceInfo } from '@vgpu/cuda-binding';
import type { Pool } from '@vgpu/protocol';
import { type Diagnosis, finding, ok, skipped, orOk } from './diagnosis.js';

/** The devices that the driver lists, or its error. */
export type Listing = readonly CudaDeviceInfo[] | Error;

/** Whether the native part of the CUDA binding can be loaded. */
export function checkAddon(listing: Listing): Diagnosis[] {
  // An error of loading has a cause; an error of the driver has none.
  if (!(listing instanceof Error) || listing.cause === undefined) {
    return [ok('the native part of @vgpu/cuda-binding can be loaded')];
  }
  return [finding(listing.message, 'follow the message, then restart the mediator')];
}

export interface DeviceFacts {
  readonly backend: 'auto' | 'cuda' | 'cpu';
  /** The configured devices. */
  readonly devices: 'all' | readonly number[];
  readonly listing: Listing;
}

/** Whether the driver and the configured devices are present. */
export function checkDevices({ backend, devices, listing }: DeviceFacts): Diagnosis[] {
  if (backend === 'cpu') return [skipped('--backend cpu uses no GPU')];
  if (listing instanceof Error) {
    return [
      finding(
        listing.message,
        'install the NVIDIA driver, 580 or later, and check that nvidia-smi works for the user of the ' +
          'mediator; or use --backend cpu if that is intended',
      ),
    ];
  }
  const names = listing.map(({ index, name }) => `${index} (${name})`).join(', ');
  if (listing.length === 0) {
    return [finding('the driver finds no device', 'check nvidia-smi and CUDA_VISIBLE_DEVICES')];
  }
  const missing = devices === 'all' ? [] : devices.filter((number) => !has(listing, number));
  if (missing.length > 0) {
    return [
      finding(
        `--devices names ${missing.join(', ')}, but the driver has only ${names}`,
        'correct --devices, or VGPU_DEVICES, or "devices" in the config file',
      ),
    ];
  }
  return [ok(`devices: ${names}`)];
}

function has(listing: Exclude<Listing, Error>, number: number): boolean {
  return listing.some(({ index }) => index === number);
}

export interface PoolFacts {
  /** The devices of each pool; undefined for all. */
  readonly pools: readonly {
    readonly pool: Pool;
    readonly devices: readonly number[] | undefined;
  }[];
  /** The devices that serve; undefined if unknown. */
  readonly serving: readonly number[] | undefined;
}

/** Whether each pool has a device that serves; without one its requests wait indefinitely. */
export function checkPools({ pools, serving }: PoolFacts): Diagnosis[] {
  const findings = pools.flatMap(({ pool, devices }) => {
    if (devices === undefined || serving === undefined) return [];
    if (devices.some((device) => serving.includes(device))) return [];
    return [
      finding(
        `pool ${pool} has the devices ${devices.join(', ')}, none of which serves (${serving.join(', ')} do): ` +
          'its requests wait',
        `vgpu-mediator pool set ${pool} --devices ${serving.join(',') || 'all'}`,
      ),
    ];
  });
  return orOk(findings, 'each pool has a device');
}
