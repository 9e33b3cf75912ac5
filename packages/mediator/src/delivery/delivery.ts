import { encodeAnswer } from '@vgpu/protocol';
import type { Execution } from '../devices/execution.js';
import type { Events } from '../events.js';
import { COST } from '../scheduling/cost.js';
import type { Job } from '../scheduling/job.js';
import type { Logger } from '../telemetry/logger.js';
import { errnoOf } from '@vgpu/linux';
import type { VmSpool } from '../spool/vm-spool.js';
import { UndeliverableError } from '../spool/vm-directory.js';
import type { Outcome } from '../telemetry/finished-request.js';

const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 5000;

export interface DeliveryOptions {
  readonly logger: Logger;
  readonly completion: {
    finish(job: Job, outcome: Outcome, execution: Execution): void;
  };
  /** What a response costs is charged there. */
  readonly spool: { charge(spool: VmSpool, cost: number): void };
  /** Told of `work`: there may be room for another request. */
  readonly events: Events;
}

/** Puts answers in place; tries again while that can help, without holding up others. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #retries = new Set<NodeJS.Timeout>();
  /** Of VMs whose directory is locked. */
  #deferred = 0;
  #isClosed = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Answers that could not be put in place so far. */
  get pending(): number {
    return this.#retries.size + this.#deferred;
  }

  /** Those that wait until nothing locks their VM's directory, which is soon. */
  get deferred(): number {
    return this.#deferred;
  }

  /** Leaves what could not be put in place to the next mediator. */
  close(): void {
    this.#isClosed = true;
    for (const timer of this.#retries) clearTimeout(timer);
  }

  deliver(job: Job, execution: Execution, retryMs = RETRY_MIN_MS): void {
    const { logger } = this.#options;
    const { answer } = execution;
    const { vm, directory } = job.spool;
    const { slot, name, file } = job.ticket;
    if (directory.isLocked) {
      this.#deferred += 1;
      directory.whenUnlocked(() => {
        this.#deferred -= 1;
        if (!this.#isClosed) this.deliver(job, execution, retryMs);
      });
      return;
    }
    try {
      const delivery = directory.answer(slot, file, encodeAnswer(answer));
      const outcome = 'sum' in answer ? 'ok' : answer.code;
      this.#finish(job, delivery === 'delivered' ? outcome : 'WITHDRAWN', execution);
    } catch (error) {
      const fields = { vm, request: name, ...directory.explain(error) };
      if (error instanceof UndeliverableError) {
        logger.warn('an answer has no place; its request is removed', fields);
        this.#finish(job, 'UNDELIVERABLE', execution);
        return;
      }
      if (errnoOf(error) === undefined) throw error;
      logger.warn('cannot put an answer in place; trying again', { ...fields, retryMs });
      const timer = setTimeout(() => {
        this.#retries.delete(timer);
        this.deliver(job, execution, Math.min(2 * retryMs, RETRY_MAX_MS));
      }, retryMs);
      this.#retries.add(timer);
    }
  }

  #finish(job: Job, outcome: Outcome, execution: Execution): void {
    const { spool, completion, events } = this.#options;
    spool.charge(job.spool, COST.response + COST.element * job.request.a.length);
    completion.finish(job, outcome, execution);
    events.emit('work');
  }
}
