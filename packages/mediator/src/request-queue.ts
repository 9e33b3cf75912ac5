import { PriorityQueue } from '@vgpu/queue';
import type { Pool, Priority } from '@vgpu/protocol';
import type { Job } from './job.js';
import type { QueueDepth } from './snapshot.js';

export const PRIORITIES = [2, 1, 0] as const satisfies Priority[];
const POOLS = ['A', 'B'] as const satisfies Pool[];

/**
 * The one queue: higher priority first, then earlier arrival, then order of discovery; pools are
 * equal. Arrival is exact to the nanosecond, which one number together with the priority could not
 * hold, so every priority has a queue of its own that is ordered by arrival.
 */
export class RequestQueue {
  readonly #levels: Record<Priority, PriorityQueue<Job>> = {
    2: new PriorityQueue(),
    1: new PriorityQueue(),
    0: new PriorityQueue(),
  };
  /** Arrivals count from the first one: a double is exact for the 104 days around it. */
  #epochNs: bigint | undefined;
  #seq = 0;
  /** Jobs by pool, of each priority. */
  readonly #depths: Record<Priority, Record<Pool, number>> = {
    2: { A: 0, B: 0 },
    1: { A: 0, B: 0 },
    0: { A: 0, B: 0 },
  };

  get size(): number {
    return this.#levels[2].size + this.#levels[1].size + this.#levels[0].size;
  }

  /** Highest priority first; also of what there is nothing. */
  get depths(): QueueDepth[] {
    return PRIORITIES.flatMap((priority) =>
      POOLS.map((pool) => ({ pool, priority, queued: this.#depths[priority][pool] })),
    );
  }

  /** The job of a priority that arrived first. */
  oldest(priority: Priority): Job | undefined {
    return this.#levels[priority].peek();
  }

  /** All that is queued, by priority; it must not change meanwhile. */
  *[Symbol.iterator](): Generator<Job, void, undefined> {
    for (const priority of PRIORITIES) yield* this.#levels[priority];
  }

  /** Adds jobs that were discovered together; equals in arrival keep the order given here. */
  push(jobs: readonly Job[]): void {
    for (const job of jobs.toSorted((a, b) => Number(a.arrivalNs - b.arrivalNs))) {
      job.seq = this.#seq += 1;
      this.#insert(job);
    }
  }

  /** Gives a job that was taken its place again, also among equals in arrival. */
  putBack(job: Job): void {
    const behind: Job[] = [];
    for (const other of this.#levels[job.request.priority]) {
      if (other.arrivalNs > job.arrivalNs) break;
      if (other.arrivalNs === job.arrivalNs && seqOf(other) > seqOf(job)) behind.push(other);
    }
    for (const other of behind) this.remove(other);
    for (const each of [job, ...behind]) this.#insert(each);
  }

  /** The next job, which leaves the queue. */
  take(): Job | undefined {
    const job = this.#levels[2].pop() ?? this.#levels[1].pop() ?? this.#levels[0].pop();
    if (job !== undefined) this.#noteLeft(job);
    return job;
  }

  /** @returns false if the job is not queued any more: it is being served, or it has left. */
  remove(job: Job): boolean {
    if (job.handle === undefined) return false;
    const removed = this.#levels[job.request.priority].delete(job.handle);
    this.#noteLeft(job);
    return removed;
  }

  #noteLeft(job: Job): void {
    job.handle = undefined;
    this.#depths[job.request.priority][job.request.pool] -= 1;
  }

  #insert(job: Job): void {
    this.#epochNs ??= job.arrivalNs;
    const earliness = Number(this.#epochNs - job.arrivalNs);
    job.handle = this.#levels[job.request.priority].push(job, earliness);
    this.#depths[job.request.priority][job.request.pool] += 1;
  }
}

function seqOf({ seq }: Job): number {
  return seq ?? 0;
}
