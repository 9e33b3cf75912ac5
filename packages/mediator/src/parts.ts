import { sumDevice } from '@vgpu/cuda-binding';
import { Completion } from './delivery/completion.js';
import { Delivery } from './delivery/delivery.js';
import { Executor } from './devices/executor.js';
import { type ExecutorSlot, PoolAssignment } from './devices/pool-assignment.js';
import { Events } from './events.js';
import { Admission } from './intake/admission.js';
import { Intake } from './intake/intake.js';
import { Lifecycle } from './lifecycle.js';
import type { MediatorOptions } from './options.js';
import { FIRST_TURN } from './scheduling/cost.js';
import { DeficitRoundRobin } from './scheduling/deficit-round-robin.js';
import { Dispatcher } from './scheduling/dispatcher.js';
import type { Job } from './scheduling/job.js';
import { RequestQueue } from './scheduling/request-queue.js';
import type { VmRequests } from './scheduling/request-source.js';
import { Turns } from './scheduling/turns.js';
import { DEFAULT_SETTINGS, type MediatorSettings } from './settings.js';
import { Spool } from './spool/spool.js';
import { InstanceLock } from './state/instance-lock.js';
import { Registry } from './state/registry.js';
import { GoneVms } from './telemetry/gone-vms.js';
import { Inspection } from './inspection.js';
import { LimitedLogger } from './telemetry/limited-logger.js';
import { Statistics } from './telemetry/statistics.js';

/** One object that all parts read; its changes take effect at once. */
type LiveSettings = { -readonly [Name in keyof MediatorSettings]: MediatorSettings[Name] };

export type Parts = ReturnType<typeof makeParts>;

/** Makes the parts of a mediator, and connects them. Touches no file and opens no device. */
export function makeParts({
  root,
  stateDir,
  devices,
  deviceNumbers,
  logger,
  ...given
}: MediatorOptions) {
  const settings: LiveSettings = { ...DEFAULT_SETTINGS, ...given };
  const [events, lifecycle, statistics] = [new Events(), new Lifecycle(), new Statistics()];
  // Limits the number of lines that a VM can cause.
  const limitedLogger = new LimitedLogger(logger);
  const lock = new InstanceLock(stateDir, root, logger);
  const registry = new Registry(stateDir, false);
  const admission = new Admission({ registry, settings });
  const queue = new RequestQueue<Job, ExecutorSlot>({ settings });
  const shares = new DeficitRoundRobin<VmRequests>(FIRST_TURN);
  const limited = { logger: limitedLogger, events };
  const spool = new Spool({ ...limited, root, limits: admission, queue, shares, settings, lock });
  const gone = new GoneVms({ spool, registry, statistics, events });
  const completion = new Completion({ queue, gone, events, logger, limitedLogger });
  const intake = new Intake({ admission, completion });
  const delivery = new Delivery({ ...limited, completion, shares });
  const executors = devices.map((open, index) => {
    const device = deviceNumbers?.[index];
    const openSums = async () => sumDevice(await open());
    return new Executor({ index, device, open: openSums, settings, logger, events });
  });
  const pools = new PoolAssignment({ executors, registry, logger });
  const common = { queue, shares, lifecycle, events, logger };
  const dispatcher = new Dispatcher({ ...common, pools, admission, delivery, completion });
  const turns = new Turns({ ...common, source: spool, intake, dispatcher, executors });
  const inspection = new Inspection({
    ...{ root, stateDir, lifecycle, queue, executors, pools },
    ...{ registry, spool, statistics, settings },
  });

  events.on('requestFinished', (request) => {
    statistics.record(request, performance.now());
  });
  events.on('requestsGone', ({ admitted, vm }) => {
    for (const ticket of admitted) intake.withdraw(ticket);
    gone.check(vm);
  });
  events.on('deviceChanged', () => {
    pools.assign();
  });
  events.on('devicesChanged', () => {
    if (lifecycle.isServing) pools.report();
    turns.request();
  });
  return {
    ...{ root, stateDir, logger, settings, events, lifecycle, statistics, lock, registry },
    ...{ admission, queue, spool, gone, delivery, executors, pools, dispatcher, turns, inspection },
  };
}
