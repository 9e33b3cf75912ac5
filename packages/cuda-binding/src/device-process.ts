// The process of an `IsolatedDevice`: opens the CUDA device whose index is its first argument, and
// serves its messages. It ends when a message says so, or when its parent has ended, whose process id
// is the second argument.
import { CudaError } from './cuda-error.js';
import { CudaVectorAdder } from './cuda-vector-adder.js';
import { DeviceError } from './device-error.js';
import { loadAddon } from './native.js';
import type { FromDevice, SentError, ToDevice } from './device-messages.js';

// Signals for all processes of a terminal are left to the parent.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.once('disconnect', () => process.exit(0));

try {
  // `disconnect` needs this thread, which a driver that hangs may hold.
  loadAddon().endWithParent();
  // The parent may have ended before these listeners were there.
  if (process.ppid !== Number(process.argv[3])) process.exit(0);
  serve(await CudaVectorAdder.open(Number(process.argv[2])));
} catch (error) {
  send({ error: sent(error) });
  process.disconnect();
}

function serve(device: CudaVectorAdder): void {
  process.on('message', (message: ToDevice) => {
    if ('close' in message) void device.close().then(() => process.exit(0));
    else void add(device, message).then(send);
  });
  send({ opened: device.device });
}

async function add(
  device: CudaVectorAdder,
  { a, b }: Exclude<ToDevice, { close: true }>,
): Promise<FromDevice> {
  try {
    if (typeof a === 'number' || typeof b === 'number') {
      return { sum: await device.addScalar(Number(a), Number(b)) };
    }
    let deviceMs: number | undefined;
    const sum = await device.add(a, b, { onDeviceTime: (ms) => (deviceMs = ms) });
    return { sum, deviceMs };
  } catch (error) {
    return { error: sent(error) };
  }
}

function send(message: FromDevice): void {
  // If the message does not arrive, the parent has ended, and this process is about to.
  process.send?.(message, () => undefined);
}

function sent(error: unknown): SentError {
  if (error instanceof CudaError) {
    const { code, message, operation, status } = error;
    return { code, message, operation, status };
  }
  if (error instanceof DeviceError) return { code: error.code, message: error.message };
  // A defect: its stack goes to stderr, and the process ends.
  throw error;
}
