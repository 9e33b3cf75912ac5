import type { CudaDeviceInfo } from '@vgpu/cuda-binding';
import { type Diagnosis, finding, ok } from './diagnosis.js';

/** The devices that the driver lists, or why it lists none. */
export type Listing = readonly CudaDeviceInfo[] | Error;

/** Whether the native part of the CUDA binding can be loaded. */
export function checkAddon(listing: Listing): Diagnosis[] {
  // What loading it has thrown is behind the error; one of the driver has none.
  if (!(listing instanceof Error) || listing.cause === undefined) {
    return [ok('the native part of @vgpu/cuda-binding can be loaded')];
  }
  return [finding(listing.message, 'do what the message says, then restart the mediator')];
}
