import { messageOf } from '../message-of.js';
import type { Logger } from '../telemetry/logger.js';
import type { Mediator } from '../mediator.js';
import { MAX_TIMER_MS } from '../time.js';
import { notify } from '@vgpu/linux';

/** The part of a mediator that the watchdog needs. */
export type Watched = Pick<Mediator, 'queued' | 'stuckDevices'>;

/**
 * Notifies the service manager that has started this process, such as systemd (sd_notify(3)).
 *
 * If it has a watchdog, this process reports twice per watchdog time that it is alive. That means
 * that the event loop runs, and that no device is stuck: neither an operation nor opening it takes
 * longer than the execution limit plus the watchdog's time. The mediator reopens a device that
 * hangs or is lost; if that hangs, too, only another process can help.
 */
export class ServiceManager {
  readonly #socketPath: string;
  /** Undefined without a watchdog. */
  readonly #watchdogMs: number | undefined;
  readonly #logger: Logger;
  /** Absent until the service is ready. */
  #mediator: Watched | undefined;
  #isStopping = false;
  #wasStuck = false;
  #pinging: NodeJS.Timeout | undefined;
  /** Settles when all notifications are sent; they are sent in order. */
  #sent = Promise.resolve();

  /**
   * @param environment With `NOTIFY_SOCKET`, and `WATCHDOG_USEC` and `WATCHDOG_PID` if there is a
   * watchdog.
   */
  constructor(environment: Readonly<Record<string, string | undefined>>, logger: Logger) {
    this.#socketPath = environment['NOTIFY_SOCKET'] ?? '';
    this.#watchdogMs = watchdogMsOf(environment);
    this.#logger = logger;
  }

  /** To be called when the mediator serves; the watchdog watches it from now on. */
  ready(mediator: Watched): void {
    if (this.#isStopping) return;
    this.#mediator = mediator;
    this.#send('READY=1', statusOf(mediator));
    if (this.#watchdogMs === undefined) return;
    this.#pinging = setInterval(
      () => {
        this.#ping(mediator, this.#watchdogMs ?? 0);
      },
      Math.min(this.#watchdogMs / 2, MAX_TIMER_MS),
    );
  }

  /**
   * Reports that `reload` begins and has ended, even if it throws; reports nothing before the
   * service is ready.
   */
  reloading(reload: () => void): void {
    const isReported = this.#mediator !== undefined && !this.#isStopping;
    // systemd compares with the monotonic clock, in microseconds.
    if (isReported) this.#send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
    try {
      reload();
    } finally {
      if (isReported) this.#send('READY=1');
    }
  }

  stopping(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    clearInterval(this.#pinging);
    this.#send('STOPPING=1', 'STATUS=Stopping');
  }

  #ping(mediator: Watched, marginMs: number): void {
    const stuck = mediator.stuckDevices(marginMs);
    if (stuck.length === 0) {
      this.#wasStuck = false;
      this.#send('WATCHDOG=1', statusOf(mediator));
      return;
    }
    if (this.#wasStuck) return;
    this.#wasStuck = true;
    const names = stuck.map(({ device, executor }) => device ?? executor).join(', ');
    this.#logger.error(
      'a device is stuck: the watchdog of the service manager will end this process',
      {
        devices: names,
      },
    );
    this.#send(`STATUS=Stuck: device ${names}`);
  }

  #send(...assignments: string[]): void {
    this.#sent = this.#sent
      .then(() => notify(this.#socketPath, ...assignments))
      .catch((error: unknown) => {
        const fields = { notification: assignments[0], error: messageOf(error) };
        this.#logger.warn('cannot notify the service manager', fields);
      });
  }
}

function statusOf({ queued }: Watched): string {
  return `STATUS=Serving; ${queued} ${queued === 1 ? 'request is' : 'requests are'} queued`;
}

/** The watchdog's time in milliseconds, if it watches this process. */
function watchdogMsOf({
  WATCHDOG_USEC: time = '',
  WATCHDOG_PID: pid = '',
}: Readonly<Record<string, string | undefined>>): number | undefined {
  const isOurs = pid === '' || pid === String(process.pid);
  return isOurs && /^[1-9][0-9]*$/.test(time) ? Number(time) / 1000 : undefined;
}
