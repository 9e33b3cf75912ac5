import { CpuVectorAdder } from './cpu-vector-adder.js';
import { DeviceError } from './device-error.js';
import { openCudaDevice } from './native.js';
import { backendRefusal, delayRefusal, indexRefusal } from './refusals.js';
import type { VectorAdder } from './vector-adder.js';

/** Options of `openDevice`. */
export interface OpenDeviceOptions {
  /**
   * `'cuda'` never falls back, `'cpu'` never looks for CUDA, and `'auto'` takes CUDA where it
   * works, else the CPU. Default `'auto'`, which opens a device on every machine; `onFallback`
   * tells when it is not a GPU.
   */
  readonly backend?: 'auto' | 'cuda' | 'cpu';
  /**
   * Which device, counted from 0. The CPU backend has as many devices as one asks for, so with
   * `'auto'` an index that no GPU has is one more reason to fall back. Default 0.
   */
  readonly index?: number;
  /** How long each operation takes on the CPU backend, in milliseconds. Default 0. */
  readonly cpuDelayMs?: number;
  /**
   * Called before `'auto'` falls back to the CPU, with the reason, so that the caller can warn.
   * What it throws rejects `openDevice`. Default: the fallback is silent.
   */
  readonly onFallback?: (reason: DeviceError) => void;
}

/**
 * Opens a device. Whoever opens it closes it.
 *
 * Rejects with a `DeviceError`: `INVALID_OPTION` for an impossible option, also for one that the
 * chosen backend would not look at; with backend `'cuda'`, the reason why the device can't be used,
 * such as `BACKEND_UNAVAILABLE`.
 */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<VectorAdder> {
  const { backend = 'auto', index = 0, cpuDelayMs = 0, onFallback } = options;
  const refusal =
    backendRefusal(backend) ?? indexRefusal(index) ?? delayRefusal('cpuDelayMs', cpuDelayMs);
  if (refusal !== undefined) throw refusal;

  if (backend !== 'cpu') {
    try {
      return await openCudaDevice(index);
    } catch (error) {
      // Anything but a DeviceError is a defect, and a fallback would hide it.
      if (backend === 'cuda' || !(error instanceof DeviceError)) throw error;
      onFallback?.(error);
    }
  }
  return new CpuVectorAdder({ index, delayMs: cpuDelayMs });
}
