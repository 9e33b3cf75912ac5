import { PriorityQueue } from '@vgpu/queue';
import { Pool, PRIORITIES, type Priority } from '@vgpu/protocol';
import type { QueuedRequest } from './queued-request.js';
import type { DeviceSlot, QueueDepth, QueueStore } from './queue-store.js';
import { DEFAULT_SETTINGS, type MediatorSettings } from '../settings.js';
import { toNs } from '../time.js';

const POOLS = Pool.options;

const HIGHEST: Priority = PRIORITIES[0];
const HIGH_WATERMARK = 16_384;

/** Jobs of one priority and pool, by arrival. */
type Line<Job> = PriorityQueue<Job>;

export interface RequestQueueOptions {
  readonly settings?: Pick<MediatorSettings, 'agingMs'>;
  /** The clock that stamps files. */
  readonly nowNs?: () => bigint;
}

/**
 * The queue of a single host, in memory. Pools are equal, but a device may serve only some of them. Arrival is
 * exact to the nanosecond; one number cannot hold it together with the priority. So every priority has one line
 * for each pool, ordered by arrival, and the earliest head of these lines is taken. With aging the effective
 * priority at that moment decides.
 */
export class RequestQueue<
  Job extends QueuedRequest = QueuedRequest,
  Slot extends DeviceSlot = DeviceSlot,
> implements QueueStore<Job, Slot> {
  readonly #lines: Record<Priority, Record<Pool, Line<Job>>> = {
    2: { A: new PriorityQueue(), B: new PriorityQueue() },
    1: { A: new PriorityQueue(), B: new PriorityQueue() },
    0: { A: new PriorityQueue(), B: new PriorityQueue() },
  };
  /** The first arrival, to which all others are relative: a double is exact for the 104 days around it. */
  #epochNs: bigint | undefined;
  #seq = 0;
  #size = 0;
  readonly #settings: Pick<MediatorSettings, 'agingMs'>;
  readonly #nowNs: () => bigint;

  constructor({
    settings = DEFAULT_SETTINGS,
    nowNs = () => toNs(Date.now()),
  }: RequestQueueOptions = {}) {
    this.#settings = settings;
    this.#nowNs = nowNs;
  }

  get size(): number {
    return this.#size;
  }

  get isOverloaded(): boolean {
    return this.#size >= HIGH_WATERMARK;
  }

  get depths(): QueueDepth[] {
    return PRIORITIES.flatMap((priority) =>
      POOLS.map((pool) => ({ pool, priority, queued: this.#lines[priority][pool].size })),
    );
  }

  oldest(priority: Priority): Job | undefined {
    return this.#firstLine(priority, POOLS)?.peek();
  }

  *[Symbol.iterator](): Generator<Job, void, undefined> {
    for (const priority of PRIORITIES) {
      for (const pool of POOLS) yield* this.#lines[priority][pool];
    }
  }

  admit(jobs: readonly Job[]): void {
    for (const job of jobs.toSorted((a, b) => Number(a.arrivalNs - b.arrivalNs))) {
      job.seq = this.#seq += 1;
      this.#insert(job);
    }
  }

  offer(slots: readonly Slot[], grant: (slot: Slot, job: Job) => void): void {
    for (const slot of slots) {
      while (slot.isFree) {
        const job = this.take(slot.pools);
        if (job === undefined) break;
        grant(slot, job);
      }
    }
  }

  requeue(job: Job): void {
    const behind: Job[] = [];
    for (const other of this.#lineOf(job)) {
      if (other.arrivalNs > job.arrivalNs) break;
      if (other.arrivalNs === job.arrivalNs && seqOf(other) > seqOf(job)) behind.push(other);
    }
    for (const other of behind) this.withdraw(other);
    for (const each of [job, ...behind]) this.#insert(each);
  }

  /** Removes and returns the next job of some pools. */
  take(pools: readonly Pool[] = POOLS): Job | undefined {
    if (this.#size === 0) return undefined;
    const { agingMs } = this.#settings;
    const line =
      agingMs === undefined
        ? (this.#firstLine(2, pools) ?? this.#firstLine(1, pools) ?? this.#firstLine(0, pools))
        : this.#firstLineAged(pools, toNs(agingMs));
    const job = line?.pop();
    if (job !== undefined) this.#forget(job);
    return job;
  }

  withdraw(job: Job): boolean {
    if (job.handle === undefined) return false;
    const removed = this.#lineOf(job).delete(job.handle);
    this.#forget(job);
    return removed;
  }

  /** The line of a priority with the earliest head; undefined if all are empty. */
  #firstLine(priority: Priority, pools: readonly Pool[]): Line<Job> | undefined {
    // By name: a property access by a variable costs more than all the rest.
    const { A, B } = this.#lines[priority];
    const a = A.size > 0 && pools.includes('A') ? A : undefined;
    const b = B.size > 0 && pools.includes('B') ? B : undefined;
    if (a === undefined || b === undefined) return a ?? b;
    return isBefore(b, a) ? b : a;
  }

  /** The line whose head has the highest effective priority; among equals, the earliest head. */
  #firstLineAged(pools: readonly Pool[], everyNs: bigint): Line<Job> | undefined {
    const nowNs = this.#nowNs();
    let first: Line<Job> | undefined;
    let highest = -1;
    for (const priority of PRIORITIES) {
      const line = this.#firstLine(priority, pools);
      const head = line?.peek();
      if (line === undefined || head === undefined) continue;
      const effective = effectivePriority(priority, nowNs - head.arrivalNs, everyNs);
      const isFirst = effective === highest && first !== undefined && isBefore(line, first);
      if (effective > highest || isFirst) [first, highest] = [line, effective];
    }
    return first;
  }

  #lineOf({ pool, priority }: Job): Line<Job> {
    const { A, B } = this.#lines[priority];
    return pool === 'A' ? A : B;
  }

  #forget(job: Job): void {
    job.handle = undefined;
    this.#size -= 1;
  }

  #insert(job: Job): void {
    this.#epochNs ??= job.arrivalNs;
    const earliness = Number(this.#epochNs - job.arrivalNs);
    job.handle = this.#lineOf(job).push(job, earliness);
    this.#size += 1;
  }
}

/**
 * The effective priority of a waiting request: its priority, plus one for each full interval since it arrived,
 * up to the highest. A request never overtakes an earlier one of the same priority, so that queues by priority
 * and arrival need not be sorted again.
 *
 * @param everyNs The interval, more than 0.
 */
function effectivePriority(priority: Priority, waitedNs: bigint, everyNs: bigint): number {
  // After the clock was set back, an arrival may lie in the future: such a request has not waited.
  const intervals = Math.max(0, Number(waitedNs / everyNs));
  return Math.min(HIGHEST, priority + intervals);
}

/** Whether the head of a line comes before that of another line of the same effective priority. */
function isBefore(line: Line<QueuedRequest>, other: Line<QueuedRequest>): boolean {
  const [a, b] = [line.peek(), other.peek()];
  if (a === undefined || b === undefined) return a !== undefined;
  return a.arrivalNs < b.arrivalNs || (a.arrivalNs === b.arrivalNs && seqOf(a) < seqOf(b));
}

function seqOf({ seq }: QueuedRequest): number {
  return seq ?? 0;
}
