import { PriorityQueue } from '@vgpu/queue';
import type { Priority } from '@vgpu/protocol';
import type { Job } from './job.js';

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

  get size(): number {
    return this.#levels[2].size + this.#levels[1].size + this.#levels[0].size;
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
    if (job !== undefined) job.handle = undefined;
    return job;
  }

  /** @returns false if the job is not queued any more: it is being served, or it has left. */
  remove(job: Job): boolean {
    if (job.handle === undefined) return false;
    const removed = this.#levels[job.request.priority].delete(job.handle);
    job.handle = undefined;
    return removed;
  }

  #insert(job: Job): void {
    this.#epochNs ??= job.arrivalNs;
    const earliness = Number(this.#epochNs - job.arrivalNs);
    job.handle = this.#levels[job.request.priority].push(job, earliness);
  }
}

function seqOf({ seq }: Job): number {
  return seq ?? 0;
}
