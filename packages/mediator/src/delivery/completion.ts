import type { Execution } from '../devices/execution.js';
import type { Events } from '../events.js';
import type { Job } from '../scheduling/job.js';
import { describe } from '../scheduling/queued-request.js';
import type { Logger } from '../telemetry/logger.js';
import type { FinishedRequest, Outcome } from '../telemetry/finished-request.js';

export interface CompletionOptions {
  readonly queue: { withdraw(job: Job): boolean };
  /** Makes the mediator forget VMs that are gone. */
  readonly gone: { check(vm: number): void };
  readonly events: Events;
  readonly logger: Logger;
  /** For lines that a VM can cause without using a device. */
  readonly limitedLogger: Logger;
}

/** The end of a request, with any outcome: it leaves its VM's backlog, and is recorded in statistics and log. */
export class Completion {
  readonly #options: CompletionOptions;

  constructor(options: CompletionOptions) {
    this.#options = options;
  }

  /** A queued job's request is gone, or has become another one; true if the job was still queued. */
  withdraw(job: Job): boolean {
    if (!this.#options.queue.withdraw(job)) return false;
    this.finish(job, 'WITHDRAWN');
    return true;
  }

  /** A request was refused before it was queued. */
  reject(request: FinishedRequest): void {
    this.#record(request);
    const { vm, slot, outcome } = request;
    this.#options.limitedLogger.info('request rejected', { vm, slot, outcome });
  }

  /** @param execution The job's result on its device; absent if no device has computed it. */
  finish(job: Job, outcome: Outcome, execution?: Execution): void {
    const { vm, slot, pool, priority, ticket, waitMs, device } = job;
    if (outcome === 'WITHDRAWN') ticket.withdraw();
    else ticket.release();
    const times =
      execution && waitMs !== undefined ? { waitMs, execMs: execution.execMs, device } : undefined;
    this.#record({
      ...{ vm, slot, pool, priority },
      isClaimOverridden: job.claim !== undefined,
      outcome,
      ...(execution && 'code' in execution.answer && { error: execution.answer.text }),
      ...times,
      durationMs: performance.now() - job.admittedMs,
    });
    const { logger, limitedLogger } = this.#options;
    (execution === undefined ? limitedLogger : logger).info('request finished', {
      ...describe(job),
      ...(times && { waitMs: round(times.waitMs), execMs: round(times.execMs) }),
      outcome,
    });
  }

  #record(request: FinishedRequest): void {
    this.#options.events.emit('requestFinished', request);
    this.#options.gone.check(request.vm);
  }
}

/** To microseconds. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
