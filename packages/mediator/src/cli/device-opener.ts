import type { openDevice, VectorAdder } from '@vgpu/cuda-binding';
import type { Logger } from '../telemetry/logger.js';
import type { Options } from './options.js';

/** Says that the CPU serves, because `auto` found no CUDA device to use. */
export function warnOfCpu(logger: Logger, { message }: Error, device: number): void {
  logger.warn('computing on the CPU, because no CUDA device can be used', {
    device,
    reason: message,
    remedy: 'give --backend cpu if that is meant',
  });
}

/** Gives what opens a device, now and again whenever it was lost. */
export function deviceOpener(
  options: Pick<Options, 'backend' | 'cpu-delay'>,
  index: number,
  logger: Logger,
  open: typeof openDevice,
): () => Promise<VectorAdder> {
  let { backend } = options;
  let isolated = false;
  return async () => {
    const adder = await open({
      backend,
      index,
      isolated,
      cpuDelayMs: options['cpu-delay'],
      onFallback: (reason) => {
        warnOfCpu(logger, reason, index);
      },
    });
    // A GPU that is lost later is waited for: the CPU in its place would be there to stay.
    ({ backend } = adder.device);
    // After a fault the driver lets this process use the GPU no more, but it lets another one.
    isolated = true;
    return adder;
  };
}
