import { CpuVectorAdder } from './cpu-vector-adder.js';
import { CudaVectorAdder } from './cuda-vector-adder.js';
import { DeviceError } from './device-error.js';
import { IsolatedDevice } from './isolated-device.js';
import { backendError, delayError, indexError, openOptionsError } from './validation.js';
import type { VectorAdder } from './vector-adder.js';

/** Options of `openDevice`. */
export interface OpenDeviceOptions {
  /**
   * `'cuda'` never falls back, `'cpu'` never tries CUDA, and `'auto'` uses CUDA where it works, else
   * the CPU. Default `'auto'`, which opens a device on every machine; `onFallback` reports that it is
   * not a GPU.
   */
  readonly backend?: 'auto' | 'cuda' | 'cpu';
  /**
   * Which device, counted from 0. The CPU backend accepts any index. With `'auto'` on a machine with
   * GPUs, it must be the index of one of them. Default 0.
   */
  readonly index?: number;
  /** How long each operation takes on the CPU backend, in milliseconds. Default 0. */
  readonly cpuDelayMs?: number;
  /**
   * True for a CUDA device in a process of its own: slower, but it can be opened after a fault, when
   * the driver does not let this process use it any more, and closed while it hangs. Default false.
   */
  readonly isolated?: boolean;
  /**
   * Called before `'auto'` falls back to the CPU, with the reason, so that the caller can warn. If it
   * throws, `openDevice` rejects with that. Default: the fallback is silent.
   *
   * @param reason Why CUDA cannot be used.
   */
  readonly onFallback?: (reason: DeviceError) => void;
}

/**
 * Opens a device. The caller closes it.
 *
 * Rejects with a `DeviceError`: `INVALID_OPTION` for an impossible option, also for one that the
 * chosen backend ignores; `NO_SUCH_DEVICE` if there are CUDA devices, but not this one; with
 * backend `'cuda'`, the reason why the device can't be used, such as `BACKEND_UNAVAILABLE` or a
 * `CudaError`.
 *
 * @param options Which device, and what to do without one.
 * @example
 * ```ts
 * import { openDevice } from '@vgpu/cuda-binding';
 *
 * const device = await openDevice({ backend: 'cpu' });
 * const sum = await device.add(Int32Array.of(1, 2), Int32Array.of(10, 20));
 * console.log(sum.join(' ')); // 11 22
 * await device.close();
 * ```
 */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<VectorAdder> {
  const wrongType = openOptionsError(options);
  if (wrongType !== undefined) throw wrongType;
  const { backend = 'auto', index = 0, cpuDelayMs = 0, isolated = false, onFallback } = options;
  const invalid =
    backendError(backend) ?? indexError(index) ?? delayError('cpuDelayMs', cpuDelayMs);
  if (invalid !== undefined) throw invalid;

  if (backend !== 'cpu') {
    try {
      return await (isolated ? IsolatedDevice.open(index) : CudaVectorAdder.open(index));
    } catch (error) {
      // Anything but a DeviceError is a defect, and a fallback would hide it. So would one for a wrong
      // index, on a machine whose other GPUs work.
      if (backend === 'cuda' || !(error instanceof DeviceError)) throw error;
      if (error.code === 'NO_SUCH_DEVICE') throw error;
      onFallback?.(error);
    }
  }
  return new CpuVectorAdder({ index, delayMs: cpuDelayMs });
}
