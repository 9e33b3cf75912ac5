import { DeviceError, type Device, type OperationCall } from '@vgpu/cuda-binding';
import type { Answer } from '@vgpu/protocol';
import { answerText } from '../intake/answer-text.js';

/** Why a device cannot be used any more until it has been opened anew. */
export interface DeviceFault {
  /** `lost`: it refuses every further call. `hung`: an operation did not end within the limit. */
  readonly kind: 'lost' | 'hung';
  /** For people: what the device said, or how long it was waited for. */
  readonly message: string;
}

/** What came of a request on a device. */
export interface Execution {
  readonly answer: Answer;
  /** Milliseconds that the operation took. */
  readonly execMs: number;
  /** Absent as long as the device can be used, also after an operation that failed alone. */
  readonly fault?: DeviceFault;
}

/** Has a device compute a request. Never rejects: what goes wrong is the answer. */
export async function execute(device: Device, call: OperationCall): Promise<Execution> {
  const startedMs = performance.now();
  let deviceMs: number | undefined;
  const execMs = () => deviceMs ?? performance.now() - startedMs;
  try {
    const { sum } = await device.run(call, { onDeviceTime: (ms) => (deviceMs = ms) });
    return { answer: { sum }, execMs: execMs() };
  } catch (error) {
    const message = messageOf(error);
    const answer: Answer = { code: 'DEVICE_FAILED', text: answerText(message) };
    const isLost = error instanceof DeviceError && error.isDeviceLost;
    return { answer, execMs: execMs(), ...(isLost && { fault: { kind: 'lost', message } }) };
  }
}

/** What came of an operation that did not end within the limit: its device is taken for hung. */
export function hungExecution(limitMs: number): Execution {
  const message = `the device did not finish within ${limitMs} ms`;
  return {
    answer: { code: 'DEADLINE', text: message },
    execMs: limitMs,
    fault: { kind: 'hung', message },
  };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
