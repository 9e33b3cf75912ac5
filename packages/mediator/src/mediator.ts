import { checkOptions } from './check-options.js';
import type { MediatorOptions } from './options.js';
import { makeParts, type Parts } from './parts.js';
import { Serving } from './serving.js';
import type { MediatorSettings } from './settings.js';
import type { MediatorObserver } from './telemetry/observer.js';
import type {
  DeviceSnapshot,
  MediatorOverview,
  MediatorSnapshot,
  QueueSnapshot,
  VmOverview,
  VmSnapshot,
} from './telemetry/snapshot.js';
import type { StatisticsSnapshot } from './telemetry/statistics.js';

/**
 * Serves the requests below a root directory.
 *
 * It is crash-only: the requests on disk are its only state. A request stays there until its response is in
 * place, so that a mediator killed at any instruction loses no request; the next one continues.
 */
export class Mediator {
  readonly #parts: Parts;
  readonly #serving: Serving;

  /**
   * Touches no file and opens no device: {@link start} does.
   *
   * @param options The directories, devices and settings.
   * @throws MediatorError `INVALID_CONFIG`: an option is missing or of another type.
   */
  constructor(options: MediatorOptions) {
    this.#parts = makeParts(checkOptions(options));
    this.#serving = new Serving(this.#parts);
  }

  /** Requests that are queued, not counting those on a device. */
  get queued(): number {
    return this.#parts.queue.size;
  }

  /** Requests that are queued or on a device. */
  get unfinished(): number {
    return this.#serving.unfinished;
  }

  /** Requests that have been computed, and whose responses could not be put in place so far. */
  get undelivered(): number {
    return this.#parts.delivery.pending;
  }

  /** Responses that could not be put in place so far, and VM directories that could not be used. */
  get failures(): number {
    return this.undelivered + this.#parts.spool.failures;
  }

  /** Totals since the mediator was made. */
  statistics(): StatisticsSnapshot {
    return this.#parts.statistics.snapshot();
  }

  /** The current state; takes time in proportion to the number of VMs. */
  snapshot(): MediatorSnapshot {
    return this.#parts.inspection.snapshot();
  }

  /** The part of {@link snapshot} whose cost does not depend on the number of VMs. */
  overview(): MediatorOverview {
    return this.#parts.inspection.overview();
  }

  /**
   * The VMs of {@link snapshot} one by one, in no particular order, each once. Requests may be served during
   * the iteration: a change may or may not be included.
   */
  vms(): IterableIterator<VmOverview> {
    return this.#parts.inspection.vms();
  }

  /**
   * How long requests of a VM waited for a device in the last five minutes.
   *
   * @param vm Its number.
   * @returns null if there were none.
   */
  recentWaitMs(vm: number): VmSnapshot['recentWaitMs'] {
    return this.#parts.inspection.recentWaitMs(vm);
  }

  /** The part of {@link snapshot} that costs next to nothing. */
  queueSnapshot(): QueueSnapshot {
    return this.#parts.inspection.queue();
  }

  /**
   * The devices whose operation, or whose opening, has exceeded the execution limit by this margin. A device
   * that hangs is reopened at that limit; if reopening hangs, too, only another process can help.
   *
   * @param marginMs Milliseconds.
   */
  stuckDevices(marginMs: number): DeviceSnapshot[] {
    const stuck = this.#parts.executors.filter((executor) => executor.isStuck(marginMs));
    return stuck.map((executor) => executor.snapshot());
  }

  /**
   * Subscribes an observer to all further events.
   *
   * @param observer Called until the mediator has stopped.
   */
  observe(observer: MediatorObserver): void {
    const { events } = this.#parts;
    events.on('requestFinished', (request) => observer.requestFinished?.(request));
    events.on('vmGone', (vm) => observer.vmGone?.(vm));
    events.on('deviceChanged', (device, fault) => observer.deviceChanged?.(device, fault));
  }

  /**
   * Changes settings while serving.
   *
   * @param settings Absent settings keep their value.
   */
  configure(settings: Partial<MediatorSettings>): void {
    Object.assign(this.#parts.settings, settings);
    this.#parts.spool.applyLimits();
  }

  /**
   * Reads the registry again and applies it to all further admissions. Queued requests keep their place,
   * except those of VMs that are no longer served: these get the response `SUSPENDED` or `UNKNOWN_VM`.
   * The new pools of devices and the new limits of VMs apply at once.
   *
   * @returns the number of registered VMs.
   * @throws MediatorError `INVALID_REGISTRY`; the previous registry stays in effect then.
   */
  reloadRegistry(): number {
    const { registry, gone, queue, admission, dispatcher } = this.#parts;
    registry.reload();
    gone.checkAll();
    for (const job of [...queue]) {
      const refusal = admission.refusalOf(job.vm);
      if (refusal === undefined) continue;
      queue.withdraw(job);
      dispatcher.refuse(job, refusal);
    }
    this.#parts.pools.assign();
    this.#parts.spool.applyLimits();
    this.#parts.events.emit('devicesChanged');
    return registry.size;
  }

  /**
   * Locks the state directory, reads the registry, opens the devices and the root, and begins to serve.
   *
   * @throws MediatorError `ALREADY_RUNNING`, `STATE_DIR_UNUSABLE`, `INVALID_REGISTRY`,
   *   `INVALID_CONFIG` or `ROOT_UNUSABLE`.
   * @throws DeviceError if no device can be opened; devices that fail while another opens are retried.
   * @throws RangeError if there is no device.
   */
  start(): Promise<void> {
    return this.#serving.start();
  }

  /**
   * Waits until all requests on disk have been served, including those that settle, or until the mediator
   * is stopped. Requests that keep failing are counted by `failures` and not waited for.
   */
  whenIdle(): Promise<void> {
    return this.#serving.whenIdle();
  }

  /**
   * Stops admitting requests, and waits until all queued requests have been computed, or until the mediator is
   * stopped. Requests on disk stay there, and so do requests whose responses cannot be put in place.
   */
  drain(): Promise<void> {
    return this.#serving.drain();
  }

  /**
   * Finishes the requests on devices, leaves the others on disk, and closes everything. Devices that hang are
   * not waited for; devices that open or close are waited for two seconds at most.
   */
  stop(): Promise<void> {
    return this.#serving.stop();
  }
}
