import { listDevices, openDevice } from '@vgpu/cuda-binding';
import { requireProtection } from '../http/endpoint.js';
import type { Http } from '../http/open-http.js';
import { MediatorError } from '../mediator-error.js';
import type { DrainResult } from '../control/messages.js';
import type { ControlServer } from '../control/control-server.js';
import { messageOf } from '../message-of.js';
import { Mediator } from '../mediator.js';
import type { MediatorSettings } from '../settings.js';
import { burstOf } from '../intake/token-bucket.js';
import { chooseDevices, deviceOpener, warnOfCpu } from './devices.js';
import { resolveOptions, stateDirOf, type ConfigSources } from './config.js';
import { createLogger } from './log.js';
import type { LineTarget } from './lossy-stream.js';
import { OPTION_NAMES, type OptionName, type Options, RELOADABLE } from './options.js';
import type { ServiceManager } from './service-manager.js';

const STATISTICS_EVERY_MS = 60_000;

/** A mediator with its configuration, log and servers; `bin.ts` connects it to the process. */
export class Service {
  readonly #sources: ConfigSources;
  readonly #logger: ReturnType<typeof createLogger>;
  readonly #stopped: Promise<void>;
  #resolveStopped: () => void = () => undefined;
  #isStopping = false;
  #options: Options;
  /** Absent until the devices are known. */
  #mediator: Mediator | undefined;
  /** Absent without `--http`. */
  #http: Http | undefined;
  /** Absent until the mediator serves. */
  #control: ControlServer | undefined;
  /** Absent unless a service manager has started this process. */
  #manager: ServiceManager | undefined;

  /**
   * @param target Where the log goes.
   * @throws MediatorError `USAGE` or `INVALID_CONFIG`.
   */
  constructor(sources: ConfigSources, target: LineTarget) {
    this.#sources = sources;
    this.#options = resolveOptions(sources);
    const { http, 'http-token': token } = this.#options;
    if (http !== undefined) requireProtection(http, token);
    this.#logger = createLogger(this.#options, target);
    this.#stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
  }

  /**
   * Serves until {@link stop}, or with `once` until all pending requests are processed.
   *
   * @throws MediatorError or DeviceError if it cannot run.
   */
  async run(): Promise<void> {
    try {
      await this.#run();
    } finally {
      this.#manager?.stopping();
      this.#http?.close();
    }
  }

  async #run(): Promise<void> {
    // A driver may hang while it lists or opens devices; stop() ends the wait.
    await Promise.race([this.#start(), this.#stopped]);
    const timer = setInterval(() => {
      if (this.#logger.isDebugEnabled()) this.printStatistics();
    }, STATISTICS_EVERY_MS);
    const drained = this.#options.once ? [this.#mediator?.whenIdle()] : [];
    await Promise.race([this.#stopped, ...drained]);
    clearInterval(timer);
    const failures = this.#mediator?.failures ?? 0;
    this.#control?.close();
    await this.#mediator?.stop();
    this.printStatistics();
    if (this.#options.once && failures > 0) {
      throw new MediatorError(
        'INCOMPLETE',
        `${failures} responses could not be written, or VM directories could not be read; see the log above`,
      );
    }
  }

  /** Finishes the operations on the devices, then ends {@link run}. */
  stop(reason: string): void {
    this.#logger.info('stopping', { reason });
    this.#isStopping = true;
    this.#manager?.stopping();
    this.#resolveStopped();
  }

  printStatistics(): void {
    if (this.#mediator === undefined) return;
    const { queued } = this.#mediator;
    this.#logger.info('statistics', { ...this.#mediator.statistics(), queued });
  }

  /**
   * Reloads environment, config file and registry, and takes over the settings that can change
   * while serving.
   */
  reload(): void {
    const reload = () => {
      this.#reload();
    };
    if (this.#manager === undefined) reload();
    else this.#manager.reloading(reload);
  }

  #reload(): void {
    this.#reloadRegistry();
    let wanted: Options;
    try {
      wanted = resolveOptions(this.#sources);
    } catch (error) {
      this.#logger.error('keeping the configuration, because the new one is invalid', {
        error: (error as Error).message,
      });
      return;
    }
    const options = { ...this.#options, ...reloadable(wanted) };
    const needsRestart = differing(wanted, options);
    const changed = differing(this.#options, options);
    this.#options = options;
    this.#mediator?.configure(settingsOf(options));
    this.#logger.level = options['log-level'];
    this.#logger.info('configuration reloaded', { changed });
    if (needsRestart.length > 0) {
      this.#logger.warn('some changed settings take effect at the next start only', {
        needsRestart,
      });
    }
  }

  /** Accepts commands of an administrator from now on. */
  async #listen(mediator: Mediator): Promise<void> {
    const { ControlServer } = await import('../control/control-server.js');
    if (this.#isStopping) return;
    this.#control = new ControlServer(stateDirOf(this.#options), {
      reload: () => {
        const registered = mediator.reloadRegistry();
        this.#logger.info('registry reloaded', { registered });
        return { registered };
      },
      status: () => mediator.snapshot(),
      drain: (wait) => this.#drain(mediator, wait),
    });
    try {
      await this.#control.listen();
      // A command that changed the registry after it was read could not reach this process.
      this.#reloadRegistry();
    } catch (error) {
      this.#logger.warn('cannot listen for commands', {
        error: messageOf(error),
        remedy: 'send SIGHUP after a change of the registry',
      });
    }
  }

  /** Finishes the queued requests, then ends {@link run}; new requests stay on disk. */
  async #drain(mediator: Mediator, wait: boolean): Promise<DrainResult> {
    const { unfinished } = mediator;
    this.#logger.info('draining: finishing the queued requests, admitting no more', { unfinished });
    const finished = mediator.drain().then(() => {
      if (!this.#isStopping) this.stop('drained');
      return { left: mediator.unfinished + mediator.undelivered };
    });
    return wait ? finished : { left: unfinished };
  }

  #reloadRegistry(): void {
    try {
      this.#mediator?.reloadRegistry();
    } catch (error) {
      this.#logger.error('keeping the registry, because the new one is invalid', {
        error: (error as Error).message,
      });
    }
  }

  async #start(): Promise<void> {
    const logger = this.#logger;
    await this.#findManager();
    const { backend, numbers, fallback } = await chooseDevices(this.#options, listDevices);
    if (this.#isStopping) return;
    const options = { ...this.#options, backend };
    this.#mediator = new Mediator({
      root: options.root,
      stateDir: stateDirOf(options),
      devices: numbers.map((index) => deviceOpener(options, index, logger, openDevice)),
      deviceNumbers: numbers,
      logger,
      ...settingsOf(options),
    });
    await this.#openHttp(this.#mediator);
    await this.#mediator.start();
    await this.#listen(this.#mediator);
    this.#manager?.ready(this.#mediator);
    if (fallback !== undefined) warnOfCpu(logger, fallback, numbers[0] ?? 0);
  }

  async #findManager(): Promise<void> {
    const { environment } = this.#sources;
    if ((environment['NOTIFY_SOCKET'] ?? '') === '') return;
    const { ServiceManager } = await import('./service-manager.js');
    this.#manager = new ServiceManager(environment, this.#logger);
  }

  async #openHttp(mediator: Mediator): Promise<void> {
    const { http: endpoint, 'http-token': token } = this.#options;
    if (endpoint === undefined) return;
    const { openHttp } = await import('../http/open-http.js');
    this.#http = await openHttp({ endpoint, token, mediator, logger: this.#logger });
  }
}

function settingsOf(options: Options): MediatorSettings {
  const { aging, 'rate-limit': perSecond } = options;
  return {
    pollIntervalMs: options['poll-interval'],
    settleMs: options.settle,
    maxQueuedPerVm: options['max-queued-per-vm'],
    agingMs: aging === undefined ? undefined : aging * 1000,
    execLimitMs: options['exec-limit'],
    retentionMs: options.retention,
    requireRegistration: options['require-registration'],
    rateLimit:
      perSecond === undefined
        ? undefined
        : { perSecond, burst: burstOf(perSecond, options['rate-burst']) },
  };
}

/** The names of the options that differ. */
function differing(one: Options, other: Options): OptionName[] {
  return OPTION_NAMES.filter((name) => JSON.stringify(one[name]) !== JSON.stringify(other[name]));
}

/** The settings that can change while serving. */
function reloadable(options: Options): Partial<Options> {
  return Object.fromEntries(RELOADABLE.map((name) => [name, options[name]]));
}
