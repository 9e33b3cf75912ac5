import { DeviceError } from './device-error.js';
import type { VectorAdder } from './vector-adder.js';

/**
 * Opens a CUDA device: the only way from this package to a GPU, and the only place that will load
 * native code. This version has none, so it rejects with `BACKEND_UNAVAILABLE`.
 */
export function openCudaDevice(index: number): Promise<VectorAdder> {
  return Promise.reject(
    new DeviceError(
      'BACKEND_UNAVAILABLE',
      `expected to open CUDA device ${index}, but this version of @vgpu/cuda-binding has no CUDA part yet: use the 'cpu' backend`,
    ),
  );
}
