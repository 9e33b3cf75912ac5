import { encodeAnswer } from '@vgpu/protocol';
import type { Execution } from '../devices/execution.js';
import type { Events } from '../events.js';
import { COST } from '../scheduling/cost.js';
import type { Job } from '../scheduling/job.js';
import { UndeliverableError, type VmRequests } from '../scheduling/request-source.js';
import type { Logger } from '../telemetry/logger.js';
import type { Outcome } from '../telemetry/finished-request.js';

const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 5000;

export interface DeliveryOptions {
  readonly logger: Logger;
  readonly completion: {
    finish(job: Job, outcome: Outcome, execution: Execution): void;
  };
  /** Is charged the cost of each response. */
  readonly shares: { charge(requests: VmRequests, cost: number): void };
  /** Receives `work`: there may be room for another request. */
  readonly events: Events;
}

/** Puts responses in place; retries while that can help, without delaying other responses. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #retries = new Set<NodeJS.Timeout>();
  /** Number of responses of VMs whose directory is locked. */
  #deferred = 0;
  #isClosed = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Number of responses that could not be put in place so far. */
  get pending(): number {
    return this.#retries.size + this.#deferred;
  }

  /** Number of responses that wait until their VM's directory is unlocked, which is soon. */
  get deferred(): number {
    return this.#deferred;
  }

  /** Leaves responses that could not be put in place to the next mediator. */
  close(): void {
    this.#isClosed = true;
    for (const timer of this.#retries) clearTimeout(timer);
  }

  deliver(job: Job, execution: Execution, retryMs = RETRY_MIN_MS): void {
    const { logger } = this.#options;
    const { answer } = execution;
    const { ticket } = job;
    const { requests } = ticket;
    if (requests.isLocked) {
      this.#deferred += 1;
      requests.whenUnlocked(() => {
        this.#deferred -= 1;
        if (!this.#isClosed) this.deliver(job, execution, retryMs);
      });
      return;
    }
    const line = encodeAnswer(answer);
    try {
      const delivery = ticket.respond(line);
      const outcome = 'sum' in answer ? 'OK' : answer.code;
      this.#finish(job, delivery === 'delivered' ? outcome : 'WITHDRAWN', execution);
    } catch (error) {
      const fields = { vm: job.vm, request: ticket.name, ...requests.explain(error) };
      if (error instanceof UndeliverableError) {
        logger.warn('a response is undeliverable; its request is removed', fields);
        this.#finish(job, 'UNDELIVERABLE', execution);
        return;
      }
      logger.warn('cannot put a response in place; trying again', { ...fields, retryMs });
      const timer = setTimeout(() => {
        this.#retries.delete(timer);
        this.deliver(job, execution, Math.min(2 * retryMs, RETRY_MAX_MS));
      }, retryMs);
      this.#retries.add(timer);
    }
  }

  #finish(job: Job, outcome: Outcome, execution: Execution): void {
    const { shares, completion, events } = this.#options;
    const { ticket, call } = job;
    shares.charge(ticket.requests, COST.response + COST.element * call.a.length);
    completion.finish(job, outcome, execution);
    events.emit('work');
  }
}
