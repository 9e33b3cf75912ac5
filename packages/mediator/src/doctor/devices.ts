import type { Listing } from './addon.js';
import { type Diagnosis, finding, ok, skipped } from './diagnosis.js';

export interface DeviceFacts {
  readonly backend: 'auto' | 'cuda' | 'cpu';
  /** The devices that are to serve. */
  readonly devices: 'all' | readonly number[];
  readonly listing: Listing;
}

/** Whether there is a driver, and the devices that are to serve. */
export function checkDevices({ backend, devices, listing }: DeviceFacts): Diagnosis[] {
  if (backend === 'cpu') return [skipped('the CPU computes, as --backend says')];
  if (listing instanceof Error) {
    return [
      finding(
        listing.message,
        'install the NVIDIA driver, 580 or later, and see that nvidia-smi works for the user of the ' +
          'mediator; or give --backend cpu if that is meant',
      ),
    ];
  }
  const names = listing.map(({ index, name }) => `${index} (${name})`).join(', ');
  if (listing.length === 0) {
    return [
      finding('the driver knows no device', 'see what nvidia-smi says, and CUDA_VISIBLE_DEVICES'),
    ];
  }
  const missing = devices === 'all' ? [] : devices.filter((number) => !has(listing, number));
  if (missing.length > 0) {
    return [
      finding(
        `there is no device ${missing.join(', ')}, as --devices says; there are ${names}`,
        'correct --devices, or VGPU_DEVICES, or "devices" in the config file',
      ),
    ];
  }
  return [ok(`devices: ${names}`)];
}

function has(listing: Exclude<Listing, Error>, number: number): boolean {
  return listing.some(({ index }) => index === number);
}
