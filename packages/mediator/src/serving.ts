import { openDevices } from './devices/open-devices.js';
import type { Parts } from './parts.js';
import { Retention } from './spool/retention.js';
import { makeRoot, requireElsewhere } from './state/directories.js';
import { MAX_TIMER_MS } from './time.js';

/** Moves the parts of a mediator from one phase to the next: see {@link Lifecycle}. */
export class Serving {
  readonly #parts: Parts;
  readonly #retention = new Retention();
  #stopping: Promise<void> | undefined;
  #scan: NodeJS.Timeout | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Requests that are queued or on a device, or wait because their directory is locked. */
  get unfinished(): number {
    const { queue, dispatcher, delivery, executors } = this.#parts;
    const busy = executors.filter(({ isBusy }) => isBusy).length;
    return queue.size + dispatcher.deferred + delivery.deferred + busy;
  }

  /** See `Mediator.start`. */
  async start(): Promise<void> {
    const { root, stateDir, lifecycle, executors, logger, events } = this.#parts;
    const { lock, registry, pools, spool } = this.#parts;
    if (lifecycle.phase !== 'new') throw new Error('expected a new mediator: each one starts once');
    if (executors.length === 0) throw new RangeError('devices: expected at least one');
    makeRoot(root, logger);
    // Checked before the first write, and again below: a link may lead elsewhere by then.
    requireElsewhere(stateDir, root);
    lock.acquire();
    try {
      requireElsewhere(stateDir, root);
      registry.reload();
      const opening = openDevices(executors, logger, events);
      // Opening a device may never end; stop() ends this wait.
      await Promise.race([opening, lifecycle.until(() => lifecycle.isStopping)]);
      if (lifecycle.isStopping) return;
      lifecycle.enter('serving');
      pools.report();
      spool.open();
    } catch (error) {
      await this.stop();
      throw error;
    }
    const { length: devices } = executors;
    logger.info('ready', { root, vms: spool.vmCount, registered: registry.size, devices });
    this.#scheduleScan();
  }

  /** See `Mediator.whenIdle`. */
  whenIdle(): Promise<void> {
    const { lifecycle, spool } = this.#parts;
    const isIdle = () => this.unfinished === 0 && spool.isDrained;
    return lifecycle.until(() => lifecycle.isStopping || isIdle());
  }

  /** See `Mediator.drain`. */
  drain(): Promise<void> {
    const { lifecycle } = this.#parts;
    if (lifecycle.isAdmitting) lifecycle.enter('draining');
    return lifecycle.until(() => lifecycle.isStopping || this.unfinished === 0);
  }

  /** See `Mediator.stop`. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    const { turns, lifecycle, executors, delivery, spool, lock } = this.#parts;
    clearTimeout(this.#scan);
    turns.stop();
    lifecycle.enter('stopping');
    lifecycle.check();
    await lifecycle.until(() => !executors.some((executor) => executor.isBusy));
    delivery.close();
    await Promise.allSettled(executors.map((executor) => executor.stop()));
    await spool.close();
    lock.release();
  }

  #scheduleScan(): void {
    const { spool, settings } = this.#parts;
    this.#scan = setTimeout(
      () => {
        spool.scan(this.#retention.due(settings.retentionMs));
        this.#scheduleScan();
      },
      Math.min(settings.pollIntervalMs, MAX_TIMER_MS),
    );
  }
}
