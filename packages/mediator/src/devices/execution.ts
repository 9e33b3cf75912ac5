import { DeviceError, type Device, type OperationCall } from '@vgpu/cuda-binding';
import type { Answer } from '@vgpu/protocol';
import { messageOf } from '../message-of.js';
import { responseText } from '../intake/admission.js';

/** Why a device cannot be used until it has been reopened. */
export interface DeviceFault {
  /** `lost`: it refuses every further call. `hung`: an operation did not end within the limit. */
  readonly kind: 'lost' | 'hung';
  /** For people: the device's message, or the exceeded limit. */
  readonly message: string;
}

/** The result of a request on a device. */
export interface Execution {
  readonly answer: Answer;
  /** Milliseconds that the operation took. */
  readonly execMs: number;
  /** Absent while the device can be used, also if only the operation failed. */
  readonly fault?: DeviceFault;
}

/** Has a device compute a request. Never rejects: an error becomes the response. */
export async function execute(device: Device, call: OperationCall): Promise<Execution> {
  const startedMs = performance.now();
  let deviceMs: number | undefined;
  const execMs = () => deviceMs ?? performance.now() - startedMs;
  try {
    const { sum } = await device.run(call, { onDeviceTime: (ms) => (deviceMs = ms) });
    return { answer: { sum }, execMs: execMs() };
  } catch (error) {
    const message = messageOf(error);
    const answer: Answer = { code: 'DEVICE_FAILED', text: responseText(message) };
    const isLost = error instanceof DeviceError && error.isDeviceLost;
    return { answer, execMs: execMs(), ...(isLost && { fault: { kind: 'lost', message } }) };
  }
}

/** The result of an operation that did not end within the limit: its device counts as hung. */
export function hungExecution(limitMs: number): Execution {
  const message = `the device did not finish within ${limitMs} ms`;
  return {
    answer: { code: 'DEADLINE', text: message },
    execMs: limitMs,
    fault: { kind: 'hung', message },
  };
}
