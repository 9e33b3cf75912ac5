import type { Events } from '../events.js';
import type { Intake } from '../intake/intake.js';
import type { Lifecycle } from '../lifecycle.js';
import type { Logger } from '../telemetry/logger.js';
import { FIRST_TURN, TURN } from './cost.js';
import type { DeficitRoundRobin } from './deficit-round-robin.js';
import type { Dispatcher } from './dispatcher.js';
import type { Job } from './job.js';
import { describe } from './queued-request.js';
import type { RequestSource, VmRequests } from './request-source.js';

/** The time slice in which jobs follow each other before new arrivals are read, milliseconds. */
const TURN_MS = 0.5;
/** Number of jobs that follow each other in any case. */
const MIN_SERVED = 2;

export interface TurnsOptions {
  readonly source: Pick<RequestSource, 'refresh'>;
  readonly shares: DeficitRoundRobin<VmRequests>;
  readonly intake: Pick<Intake, 'consider'>;
  readonly queue: { admit(jobs: readonly Job[]): void };
  readonly dispatcher: Dispatcher;
  readonly executors: { readonly length: number };
  readonly lifecycle: Lifecycle;
  readonly events: Events;
  readonly logger: Logger;
}

/**
 * The turns of the event loop, in which all work is done: read new requests, queue them in the order of
 * arrival, give each idle device the first job. A computed request gets its response at once, and its device
 * the next job, for half a millisecond: then new arrivals are read. VMs share the admissions of a turn by
 * deficit round robin.
 *
 * No turn is due; or one is *due*, from {@link request} until the event loop runs it; or the last one is
 * *under way*, until its time slice ends: each job that ends meanwhile leads to the next job.
 */
export class Turns {
  readonly #options: TurnsOptions;
  #due: NodeJS.Immediate | undefined;
  #isFirst = true;
  /** When this turn ended its admissions, and began to serve. */
  #servingSinceMs = 0;
  /** Jobs that devices have computed since then. */
  #served = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
    options.events.on('work', () => {
      this.request();
    });
    options.events.on('requestComputed', (job) => {
      this.#goOn(job);
    });
  }

  /** Has a turn begin soon. */
  request(): void {
    if (!this.#options.lifecycle.isServing) return;
    this.#due ??= setImmediate(() => {
      this.#due = undefined;
      this.#begin();
    });
  }

  /** Prevents any further turn. */
  stop(): void {
    clearImmediate(this.#due);
  }

  #begin(): void {
    const { shares, dispatcher, lifecycle } = this.#options;
    // The first turn should read all requests on disk, unless there are very many.
    shares.beginTurn(this.#isFirst ? FIRST_TURN : TURN);
    this.#isFirst = false;
    this.#admit();
    this.#servingSinceMs = performance.now();
    this.#served = 0;
    dispatcher.dispatch();
    lifecycle.check();
  }

  /**
   * Serves queued requests in the same turn while the turn is young, since each turn costs as much as a job.
   * Serving has the same time as admitting, and at least two jobs, however slow they are: a turn serves at
   * least one waiting VM, and the queued requests should not get less time than that.
   */
  #goOn(job: Job): void {
    const { shares, dispatcher, lifecycle } = this.#options;
    this.#served += 1;
    this.#admitAhead(job);
    const isYoung = performance.now() - this.#servingSinceMs < TURN_MS;
    if (lifecycle.isServing) {
      // A VM limited to a few queued requests must not run out of them while more of its requests wait.
      if (isYoung && shares.hasWork) this.#admit();
      if (isYoung || this.#served < MIN_SERVED) dispatcher.dispatch();
    }
    this.request();
    lifecycle.check();
  }

  /** Admits requests; none while draining. */
  #admit(): void {
    const { source, shares, lifecycle } = this.#options;
    if (!lifecycle.isAdmitting) return;
    source.refresh();
    const jobs: Job[] = [];
    const step = (requests: VmRequests) => this.#step(requests, jobs);
    shares.serve({ hasWork: ({ hasWork }) => hasWork, step });
    if (shares.hasWork) this.request();
    this.#enqueue(jobs);
  }

  /**
   * Admits the next request of a VM that has few left in the queue, even without credit: while the VM has
   * more on disk, a lower priority must not be served only because the VM's quantum is used up. A VM whose
   * requests exceed the credit limit has to wait, though.
   */
  #admitAhead({ ticket: { requests } }: Job): void {
    const { lifecycle, executors, shares } = this.#options;
    if (!lifecycle.isAdmitting || !requests.hasWork) return;
    if (requests.admittedCount >= executors.length) return;
    const jobs: Job[] = [];
    shares.serveAhead(requests, () => this.#step(requests, jobs));
    this.#enqueue(jobs);
  }

  /** Takes a step for a VM, which may add a job; returns its cost. */
  #step(requests: VmRequests, jobs: Job[]): number {
    const { job, cost } = this.#options.intake.consider(requests.next());
    if (job !== undefined) jobs.push(job);
    return cost;
  }

  #enqueue(jobs: readonly Job[]): void {
    const { queue, logger } = this.#options;
    queue.admit(jobs);
    for (const job of jobs) logger.debug('request queued', describe(job));
  }
}
