import type { Executor } from './executor.js';
import type { Events } from '../events.js';
import type { Logger } from '../telemetry/logger.js';
import { settledWithin } from '../time.js';

/** How long the others may take once one device is open, milliseconds. */
const PATIENCE_MS = 5000;

/**
 * Opens devices until one can serve. Others that fail are tried again while serving; such as take
 * long come when they are ready.
 *
 * @param events Told of `devicesChanged` for each one that is open, now or later.
 * @throws DeviceError, the first one's, if none can be opened.
 */
export async function openDevices(
  executors: readonly Executor[],
  logger: Logger,
  events: Events,
): Promise<void> {
  const openings = executors.map((executor) => executor.open());
  const first = await Promise.any(openings).catch((error: unknown) => error);
  if (first instanceof AggregateError) throw first.errors[0];
  if (!(await settledWithin(PATIENCE_MS, Promise.allSettled(openings)))) {
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
