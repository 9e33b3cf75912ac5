import { openDevice } from '@vgpu/cuda-binding';
import type { Logger } from '../logger.js';
import { Mediator, type MediatorSettings } from '../mediator.js';
import { resolveOptions, stateDirOf, type ConfigSources } from './config.js';
import { createLogger } from './log.js';
import type { Options } from './options.js';

const STATISTICS_EVERY_MS = 60_000;

/** Options that a running mediator takes over on SIGHUP. */
const RELOADABLE = [
  'poll-interval',
  'settle',
  'max-queued-per-vm',
  'exec-limit',
  'retention',
  'log-level',
] as const satisfies (keyof Options)[];

/** A running mediator, for whoever handles the process's signals. */
export interface Service {
  /** Settles when the mediator has stopped. */
  readonly done: Promise<void>;
  /** Finishes what is on a device, then stops. */
  readonly stop: (reason: string) => void;
  /** Reads environment and config file anew. */
  readonly reload: () => void;
  readonly printStatistics: () => void;
}

/**
 * Starts a mediator from its options.
 *
 * @throws MediatorError, DeviceError: what keeps it from running.
 */
export async function serve(sources: ConfigSources): Promise<Service> {
  let options = resolveOptions(sources);
  const logger = createLogger(options);
  const mediator = new Mediator({
    root: options.root,
    stateDir: stateDirOf(options),
    devices: options.devices.map((index) => () => openDeviceOf(options, index, logger)),
    logger,
    ...settingsOf(options),
  });
  const printStatistics = () => {
    logger.info('statistics', { ...mediator.statistics(), queued: mediator.queued });
  };
  let stop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  await mediator.start();
  const timer = setInterval(() => {
    if (logger.isDebugEnabled()) printStatistics();
  }, STATISTICS_EVERY_MS);

  const run = async () => {
    await (options.once ? Promise.race([mediator.drain(), stopped]) : stopped);
    clearInterval(timer);
    await mediator.stop();
    printStatistics();
  };
  return {
    done: run(),
    stop: (reason) => {
      logger.info('stopping', { reason });
      stop();
    },
    reload: () => {
      options = reload(sources, options, mediator, logger);
    },
    printStatistics,
  };
}

function openDeviceOf(options: Options, index: number, logger: Logger) {
  return openDevice({
    backend: options.backend,
    index,
    cpuDelayMs: options['cpu-delay'],
    onFallback: (reason) => {
      logger.warn('computing on the CPU, because no CUDA device can be used', {
        reason: reason.message,
      });
    },
  });
}

function settingsOf(options: Options): MediatorSettings {
  return {
    pollIntervalMs: options['poll-interval'],
    settleMs: options.settle,
    maxQueuedPerVm: options['max-queued-per-vm'],
    execLimitMs: options['exec-limit'],
    retentionMs: options.retention,
  };
}

function reload(
  sources: ConfigSources,
  before: Options,
  mediator: Mediator,
  logger: ReturnType<typeof createLogger>,
): Options {
  let after: Options;
  try {
    after = resolveOptions(sources);
  } catch (error) {
    logger.error('keeping the configuration, because the new one is invalid', {
      error: (error as Error).message,
    });
    return before;
  }
  const options = { ...before, ...pick(after, RELOADABLE) };
  const ignored = Object.keys(after).filter(
    (key) =>
      JSON.stringify(after[key as keyof Options]) !== JSON.stringify(options[key as keyof Options]),
  );
  mediator.configure(settingsOf(options));
  logger.level = options['log-level'];
  logger.info('configuration reloaded', ignored.length > 0 ? { needsRestart: ignored } : {});
  return options;
}

function pick<T, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>;
}
