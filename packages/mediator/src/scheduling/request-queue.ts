import { PriorityQueue } from '@vgpu/queue';
import { Pool, PRIORITIES, type Priority } from '@vgpu/protocol';
import { risenLevel } from './aging.js';
import type { QueuedRequest } from './queued-request.js';
import type { DeviceSlot, QueueDepth, QueueStore } from './queue-store.js';
import { DEFAULT_SETTINGS, type MediatorSettings } from '../settings.js';
import { toNs } from '../time.js';

export const POOLS = Pool.options;

const HIGH_WATERMARK = 16_384;

/** Jobs of one priority and pool, by arrival. */
type Line<Job> = PriorityQueue<Job>;

export interface RequestQueueOptions {
  readonly settings?: Pick<MediatorSettings, 'agingMs'>;
  /** The clock that stamps files. */
  readonly nowNs?: () => bigint;
}

/**
 * The queue of a single host, in memory. Pools are equal, but a device may serve only some of them. Arrival is exact to the nanosecond, which one
 * number together with the priority could not hold, so every priority has lines of its own that are
 * ordered by arrival: one for each pool, of which the head that comes first is taken. With aging what
 * counts is the level to which a request has risen at the moment at which one is taken.
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
  /** Arrivals count from the first one: a double is exact for the 104 days around it. */
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

  /** The next job of some pools, which leaves the queue. */
  take(pools: readonly Pool[] = POOLS): Job | undefined {
    if (this.#size === 0) return undefined;
    const { agingMs } = this.#settings;
    const line =
      agingMs === undefined
        ? (this.#firstLine(2, pools) ?? this.#firstLine(1, pools) ?? this.#firstLine(0, pools))
        : this.#firstLineAged(pools, toNs(agingMs));
    const job = line?.pop();
    if (job !== undefined) this.#noteLeft(job);
    return job;
  }

  withdraw(job: Job): boolean {
    if (job.handle === undefined) return false;
    const removed = this.#lineOf(job).delete(job.handle);
    this.#noteLeft(job);
    return removed;
  }

  /** The line of a priority whose head comes first; undefined if all are empty. */
  #firstLine(priority: Priority, pools: readonly Pool[]): Line<Job> | undefined {
    // By name: a look-up by a variable costs more than all the rest.
    const { A, B } = this.#lines[priority];
    const a = A.size > 0 && pools.includes('A') ? A : undefined;
    const b = B.size > 0 && pools.includes('B') ? B : undefined;
    if (a === undefined || b === undefined) return a ?? b;
    return isBefore(b, a) ? b : a;
  }

  /** The line whose head has risen highest; among those that are equal, the one that arrived first. */
  #firstLineAged(pools: readonly Pool[], everyNs: bigint): Line<Job> | undefined {
    const nowNs = this.#nowNs();
    let first: Line<Job> | undefined;
    let highest = -1;
    for (const priority of PRIORITIES) {
      const line = this.#firstLine(priority, pools);
      const head = line?.peek();
      if (line === undefined || head === undefined) continue;
      const level = risenLevel(priority, nowNs - head.arrivalNs, everyNs);
      const isFirst = level === highest && first !== undefined && isBefore(line, first);
      if (level > highest || isFirst) [first, highest] = [line, level];
    }
    return first;
  }

  #lineOf({ pool, priority }: Job): Line<Job> {
    const { A, B } = this.#lines[priority];
    return pool === 'A' ? A : B;
  }

  #noteLeft(job: Job): void {
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

/** Whether the head of a line comes before that of another of the same level. */
function isBefore(line: Line<QueuedRequest>, other: Line<QueuedRequest>): boolean {
  const [a, b] = [line.peek(), other.peek()];
  if (a === undefined || b === undefined) return a !== undefined;
  return a.arrivalNs < b.arrivalNs || (a.arrivalNs === b.arrivalNs && seqOf(a) < seqOf(b));
}

function seqOf({ seq }: QueuedRequest): number {
  return seq ?? 0;
}
