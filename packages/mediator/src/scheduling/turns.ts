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
/** So many follow each other in any case. */
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
 * The turns of the event loop, in which all work is done: read what is new, queue it in the order of
 * arrival, give each idle device the first job. A computed request is answered at once, and its device given
 * the next job, for half a millisecond: then new arrivals are read. VMs share what a turn takes in by
 * deficit round robin.
 *
 * There is no turn; or one is *due*, from {@link request} until the event loop comes to it; or the last one is
 * *under way*, until its time slice ends: each job that ends meanwhile leads to the next one.
 */
export class Turns {
  readonly #options: TurnsOptions;
  #due: NodeJS.Immediate | undefined;
  #isFirst = true;
  /** When this turn had taken in what it may, and began to serve. */
  #servingSinceMs = 0;
  /** Jobs that a device is done with since then. */
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

  /** No turn begins any more. */
  stop(): void {
    clearImmediate(this.#due);
  }

  #begin(): void {
    const { shares, dispatcher, lifecycle } = this.#options;
    // The first turn is to know all that was on disk, unless that is very much.
    shares.beginTurn(this.#isFirst ? FIRST_TURN : TURN);
    this.#isFirst = false;
    this.#takeIn();
    this.#servingSinceMs = performance.now();
    this.#served = 0;
    dispatcher.dispatch();
    lifecycle.look();
  }

  /**
   * Serves what is queued in the same turn while that is young: each turn costs as much as a job. As long
   * as a turn has for taking in, it has for this, and for two jobs at least, however slow: it takes in one
   * at least of those that wait, and what is queued is to get less.
   */
  #goOn(job: Job): void {
    const { shares, dispatcher, lifecycle } = this.#options;
    this.#served += 1;
    this.#takeInAhead(job);
    const isYoung = performance.now() - this.#servingSinceMs < TURN_MS;
    if (lifecycle.isServing) {
      // A VM that is held to a few queued requests must not run out of them while more of it wait.
      if (isYoung && shares.hasWork) this.#takeIn();
      if (isYoung || this.#served < MIN_SERVED) dispatcher.dispatch();
    }
    this.request();
    lifecycle.look();
  }

  /** Nothing once it is draining. */
  #takeIn(): void {
    const { source, shares, lifecycle } = this.#options;
    if (!lifecycle.isAdmitting) return;
    source.refresh();
    const jobs: Job[] = [];
    const step = (requests: VmRequests) => this.#takeFrom(requests, jobs);
    shares.serve({ hasWork: ({ hasWork }) => hasWork, step });
    if (shares.hasWork) this.request();
    this.#enqueue(jobs);
  }

  /**
   * Takes in the next request of a VM that has few left in the queue, on credit if need be: while it has
   * more on disk, no lower priority is to be served because its quantum is used up, unless its requests
   * are so dear that it has to wait for that.
   */
  #takeInAhead({ ticket: { requests } }: Job): void {
    const { lifecycle, executors, shares } = this.#options;
    if (!lifecycle.isAdmitting || !requests.hasWork) return;
    if (requests.admittedCount >= executors.length) return;
    const jobs: Job[] = [];
    shares.serveAhead(requests, () => this.#takeFrom(requests, jobs));
    this.#enqueue(jobs);
  }

  /** Takes a step for a VM, which may give a job; returns what it cost. */
  #takeFrom(requests: VmRequests, jobs: Job[]): number {
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
