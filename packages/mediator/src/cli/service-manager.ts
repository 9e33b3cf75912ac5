import { messageOf } from '../devices/execution.js';
import type { Logger } from '../telemetry/logger.js';
import type { Mediator } from '../mediator.js';
import { MAX_TIMER_MS } from '../time.js';
import { notify } from '@vgpu/linux';

/** The part of a mediator that is watched. */
export type Watched = Pick<Mediator, 'queued' | 'stuckDevices'>;

/**
 * The service manager that has started this process, such as systemd: what it is told (sd_notify(3)).
 *
 * If it has a watchdog, it is told at half of its time that this process is alive. That means: the event
 * loop turns, or nothing would be told; and no device is stuck: for the watchdog's time longer than the
 * execution limit at one operation, or at being opened. The mediator helps itself with a device that hangs
 * or is lost, by opening it anew; where that hangs, too, only another process can help.
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
  /** What is told is told in its order. */
  #told = Promise.resolve();

  /** @param environment With `NOTIFY_SOCKET`, and `WATCHDOG_USEC` and `WATCHDOG_PID` if there is a watchdog. */
  constructor(environment: Readonly<Record<string, string | undefined>>, logger: Logger) {
    this.#socketPath = environment['NOTIFY_SOCKET'] ?? '';
    this.#watchdogMs = watchdogMsOf(environment);
    this.#logger = logger;
  }

  /** The mediator serves; it is watched from now on. */
  ready(mediator: Watched): void {
    if (this.#isStopping) return;
    this.#mediator = mediator;
    this.#tell('READY=1', statusOf(mediator));
    if (this.#watchdogMs === undefined) return;
    this.#pinging = setInterval(
      () => {
        this.#ping(mediator, this.#watchdogMs ?? 0);
      },
      Math.min(this.#watchdogMs / 2, MAX_TIMER_MS),
    );
  }

  /** Tells that `reload` begins and, whatever comes of it, has ended; before the service is ready, nothing. */
  reloading(reload: () => void): void {
    const tells = this.#mediator !== undefined && !this.#isStopping;
    // The clock that systemd compares with, in microseconds.
    if (tells) this.#tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
    try {
      reload();
    } finally {
      if (tells) this.#tell('READY=1');
    }
  }

  stopping(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    clearInterval(this.#pinging);
    this.#tell('STOPPING=1', 'STATUS=Stopping');
  }

  #ping(mediator: Watched, marginMs: number): void {
    const stuck = mediator.stuckDevices(marginMs);
    if (stuck.length === 0) {
      this.#wasStuck = false;
      this.#tell('WATCHDOG=1', statusOf(mediator));
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
    this.#tell(`STATUS=Stuck: device ${names}`);
  }

  #tell(...assignments: string[]): void {
    this.#told = this.#told
      .then(() => notify(this.#socketPath, ...assignments))
      .catch((error: unknown) => {
        const fields = { told: assignments[0], error: messageOf(error) };
        this.#logger.warn('cannot tell the service manager', fields);
      });
  }
}

function statusOf({ queued }: Watched): string {
  return `STATUS=Serving; ${queued} ${queued === 1 ? 'request is' : 'requests are'} queued`;
}

/** The time of the watchdog, milliseconds, if it is for this process. */
function watchdogMsOf({
  WATCHDOG_USEC: time = '',
  WATCHDOG_PID: pid = '',
}: Readonly<Record<string, string | undefined>>): number | undefined {
  const isOurs = pid === '' || pid === String(process.pid);
  return isOurs && /^[1-9][0-9]*$/.test(time) ? Number(time) / 1000 : undefined;
}
