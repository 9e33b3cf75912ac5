import type { Executor } from './executor.js';
import type { Events } from '../events.js';
import type { Logger } from '../telemetry/logger.js';
import { settledWithin } from '../time.js';

/** How long the other devices are waited for once one is open, in milliseconds. */
const WAIT_LIMIT_MS = 5000;

/**
 * Opens devices until one can serve. Devices that fail while another opens are retried; slow devices join
 * when they are ready.
 *
 * @param events Receives `devicesChanged` for each device that is open, now or later.
 * @throws DeviceError, that of the first device, if none can be opened.
 */
export async function openDevices(
  executors: readonly Executor[],
  logger: Logger,
  events: Events,
): Promise<void> {
  const openings = executors.map((executor) => executor.open());
  const first = await Promise.any(openings).catch((error: unknown) => error);
  if (first instanceof AggregateError) throw first.errors[0];
  if (!(await settledWithin(WAIT_LIMIT_MS, Promise.allSettled(openings)))) {
    logger.warn('not all devices have opened yet; serving without them meanwhile', {});
  }
  for (const [i, opening] of openings.entries()) {
    opening.then(
      () => {
        events.emit('devicesChanged');
      },
      (error: unknown) => {
        executors[i]?.openLater(error);
      },
    );
  }
}
