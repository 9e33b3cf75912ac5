import { COST } from './cost.js';
import type { Completion } from '../delivery/completion.js';
import type { Delivery } from '../delivery/delivery.js';
import type { Execution } from '../devices/execution.js';
import type { Executor } from '../devices/executor.js';
import type { ExecutorSlot, PoolAssignment } from '../devices/pool-assignment.js';
import type { Events } from '../events.js';
import type { Admission, Rejection } from '../intake/admission.js';
import type { Lifecycle } from '../lifecycle.js';
import type { Logger } from '../telemetry/logger.js';
import type { Job } from './job.js';
import { describe } from './queued-request.js';
import type { QueueStore } from './queue-store.js';
import type { VmRequests } from './request-source.js';

/**
 * A request that was read less than this ago, in milliseconds, is not checked again before it is computed:
 * the check takes longer than a wasted addition. It is checked before its response in any case.
 */
const FRESH_MS = 100;
/**
 * A request that has met this many lost devices gets an error response. The first loss is not its fault,
 * since no two vectors of int32 can harm a device; but a request after which every device is lost, for any
 * reason, must not keep taking the devices from all others.
 */
const MAX_DEVICE_FAULTS = 2;

export interface DispatcherOptions {
  readonly queue: Pick<QueueStore<Job, ExecutorSlot>, 'offer' | 'requeue'>;
  readonly pools: Pick<PoolAssignment, 'slots' | 'isAnyUnserved'>;
  readonly admission: Pick<Admission, 'refusalOf'>;
  readonly shares: { charge(requests: VmRequests, cost: number): void };
  readonly delivery: Delivery;
  readonly completion: Completion;
  readonly lifecycle: Lifecycle;
  readonly events: Events;
  readonly logger: Logger;
}

/**
 * Gives queued requests to idle devices, and their results to the delivery.
 *
 * A job is *queued*; {@link dispatch} gives it to a device, or defers it. It is *deferred* while a thread
 * locks its VM's directory, then requeued. It is *on a device* until the device has computed it: then its
 * response is delivered, or it is requeued, once, if the device was lost.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #deferred = new Map<VmRequests, Job[]>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Number of jobs that have left the queue, and wait until their VM's directory is unlocked. */
  get deferred(): number {
    return [...this.#deferred.values()].flat().length;
  }

  /** Gives each idle device the first job of its pools. */
  dispatch(): void {
    const { queue, pools } = this.#options;
    queue.offer(pools.slots, ({ executor }, job) => {
      if (job.ticket.requests.isLocked) this.#defer(job);
      else void this.#serve(executor, job);
    });
  }

  #defer(job: Job): void {
    const { requests } = job.ticket;
    const deferred = this.#deferred.get(requests);
    if (deferred !== undefined) {
      deferred.push(job);
      return;
    }
    this.#deferred.set(requests, [job]);
    requests.whenUnlocked(() => {
      const jobs = this.#deferred.get(requests) ?? [];
      this.#deferred.delete(requests);
      for (const each of jobs) this.#requeue(each);
      // At once: the thread may have more to read.
      if (this.#options.lifecycle.isServing) this.dispatch();
    });
  }

  /** Requeues a job, or refuses it if its VM is no longer served. */
  #requeue(job: Job): void {
    const { queue, admission } = this.#options;
    const refusal = admission.refusalOf(job.vm);
    if (refusal === undefined) queue.requeue(job);
    else this.refuse(job, refusal);
  }

  /** Responds with an error to a job that has left the queue, because its VM is no longer served. */
  refuse(job: Job, refusal: Rejection): void {
    // What cannot be checked now is checked when the response is put in place.
    if (!job.ticket.requests.isLocked && !this.#isCurrent(job)) return;
    this.#options.delivery.deliver(job, { answer: refusal, execMs: 0 });
  }

  async #serve(executor: Executor, job: Job): Promise<void> {
    const { pools, delivery, events, logger } = this.#options;
    const waitMs = performance.now() - job.admittedMs;
    if (!this.#isCurrent(job, FRESH_MS)) return;
    job.waitMs = waitMs;
    job.device = executor.device;
    logger.debug('request on the device', { ...describe(job), device: executor.device });
    const execution = await executor.run(job);
    if ('code' in execution.answer) {
      const { code, text } = execution.answer;
      const fields = { ...describe(job), device: executor.device, code, error: text };
      logger.warn('a device did not compute a request', fields);
    }
    if (!this.#requeueAfterLoss(job, execution)) delivery.deliver(job, execution);
    if (pools.isAnyUnserved) events.emit('devicesChanged');
    events.emit('requestComputed', job);
  }

  /** Requeues a job whose device was lost; false if its response has to be delivered. */
  #requeueAfterLoss(job: Job, { fault }: Execution): boolean {
    if (fault?.kind !== 'lost') return false;
    job.deviceFaults = (job.deviceFaults ?? 0) + 1;
    if (job.deviceFaults >= MAX_DEVICE_FAULTS) return false;
    // A job's file is not checked while the job is on a device. If it is locked now, its next turn checks it.
    if (job.ticket.requests.isLocked || this.#isCurrent(job)) {
      this.#options.queue.requeue(job);
      const message = 'request requeued because its device was lost';
      this.#options.logger.warn(message, describe(job));
    }
    return true;
  }

  /**
   * Whether a job's request is still the one that was read; if not, the job leaves.
   *
   * @param withinMs See `Ticket.isCurrent`.
   */
  #isCurrent(job: Job, withinMs?: number): boolean {
    const { shares, completion, logger } = this.#options;
    const { ticket } = job;
    const isCurrent = ticket.isCurrent(withinMs);
    if (isCurrent === false) {
      shares.charge(ticket.requests, COST.withdrawal);
      completion.finish(job, 'WITHDRAWN');
    }
    if (isCurrent === undefined) {
      // The next scan finds the request on disk again.
      ticket.release();
      logger.debug('request left on disk for the next scan', describe(job));
    }
    return isCurrent === true;
  }
}
