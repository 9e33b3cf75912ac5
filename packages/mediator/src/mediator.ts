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
 * It is crash-only: what is on disk is what there is to do. A request stays there until its answer
 * is in place, so that a mediator killed at any instruction loses nothing; the next one goes on.
 */
export class Mediator {
  readonly #parts: Parts;
  readonly #serving: Serving;

  /**
   * Touches no file and opens no device: {@link start} does.
   *
   * @param options What it serves, on which devices, and how.
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

  /** Requests that have been computed, and whose answers could not be put in place so far. */
  get undelivered(): number {
    return this.#parts.delivery.pending;
  }

  /** Answers that could not be put in place so far, and VM directories that could not be used. */
  get failures(): number {
    return this.undelivered + this.#parts.spool.failures;
  }

  /** Totals since the mediator was made. */
  statistics(): StatisticsSnapshot {
    return this.#parts.statistics.snapshot();
  }

  /** What there is to see now; takes time in proportion to the number of VMs. */
  snapshot(): MediatorSnapshot {
    return this.#parts.inspection.snapshot();
  }

  /** The part of {@link snapshot} that costs little, however many VMs there are. */
  overview(): MediatorOverview {
    return this.#parts.inspection.overview();
  }

  /**
   * The VMs of {@link snapshot} one by one, in no order, each once. Requests may be served while one goes
   * through them: what changes meanwhile is in it, or not.
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

  /** The part of {@link snapshot} that costs next to nothing, whatever there is. */
  queueSnapshot(): QueueSnapshot {
    return this.#parts.inspection.queue();
  }

  /**
   * The devices that have been at one operation, or at being opened, for so many milliseconds longer than
   * the execution limit. One that merely hangs is opened anew at that limit; only another process can help
   * where that hangs, too.
   *
   * @param marginMs Milliseconds.
   */
  stuckDevices(marginMs: number): DeviceSnapshot[] {
    const stuck = this.#parts.executors.filter((executor) => executor.isStuck(marginMs));
    return stuck.map((executor) => executor.snapshot());
  }

  /**
   * Tells an observer what happens from now on.
   *
   * @param observer Told until the mediator has stopped.
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
   * @param settings What is absent stays as it is.
   */
  configure(settings: Partial<MediatorSettings>): void {
    Object.assign(this.#parts.settings, settings);
    this.#parts.spool.noteLimits();
  }

  /**
   * Reads the registry again, which decides about what is taken up from now on. What is queued keeps its
   * place, but for VMs of which nothing is served any more: that is answered `SUSPENDED` or `UNKNOWN_VM`.
   * Devices take requests of the pools that they serve now, and VMs have the limits that are theirs now.
   *
   * @returns how many VMs are registered.
   * @throws MediatorError `INVALID_REGISTRY`; what was known counts on then.
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
    this.#parts.spool.noteLimits();
    this.#parts.events.emit('devicesChanged');
    return registry.size;
  }

  /**
   * Locks the state directory, reads the registry, opens the devices and the root, and begins to serve.
   *
   * @throws MediatorError `ALREADY_RUNNING`, `STATE_DIR_UNUSABLE`, `INVALID_REGISTRY`,
   *   `INVALID_CONFIG` or `ROOT_UNUSABLE`.
   * @throws DeviceError if no device can be opened; such as can't while another can are tried again.
   * @throws RangeError if there is no device.
   */
  start(): Promise<void> {
    return this.#serving.start();
  }

  /**
   * Waits until all that was on disk has been served, once nothing settles or waits any more, or
   * until the mediator is stopped. What cannot be done, and is tried again and again, is counted by
   * `failures` and not waited for.
   */
  whenIdle(): Promise<void> {
    return this.#serving.whenIdle();
  }

  /**
   * Takes up nothing more, and waits until what is queued has been computed, or until the mediator is
   * stopped. What is on disk stays there, and so do requests whose answers cannot be put in place.
   */
  drain(): Promise<void> {
    return this.#serving.drain();
  }

  /**
   * Finishes what is on a device, leaves the rest on disk, and lets everything go. Devices that hang
   * are not waited for, others that open or close for two seconds at most.
   */
  stop(): Promise<void> {
    return this.#serving.stop();
  }
}
