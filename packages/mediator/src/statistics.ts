import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { priorityName, type ErrorCode, type Pool, type Priority } from '@vgpu/protocol';

/**
 * How a request ended: answered with its sum (`ok`) or an error code, withdrawn by its client, or
 * without a place to put the answer.
 */
export type Outcome = 'ok' | ErrorCode | 'WITHDRAWN' | 'UNDELIVERABLE';

/** A request that has left the mediator. Claims are unknown if its line could not be read. */
export interface FinishedRequest {
  readonly vm: number;
  readonly pool?: Pool;
  readonly priority?: Priority;
  /** Whether its line claimed another pool or priority than the registry gives the VM. */
  readonly isClaimOverridden?: boolean;
  readonly outcome: Outcome;
  /** From admission to the device, in milliseconds; absent if it never got there. */
  readonly waitMs?: number;
  /** On the device, in milliseconds; absent if it never got there. */
  readonly execMs?: number;
}

/** Milliseconds. */
export interface Distribution {
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Totals since the start. */
export interface StatisticsSnapshot {
  readonly requests: number;
  readonly outcome: Readonly<Record<string, number>>;
  readonly pool: Readonly<Record<string, number>>;
  readonly priority: Readonly<Record<string, number>>;
  readonly vm: Readonly<Record<string, number>>;
  /** By VM: requests whose claims the registry overrode. */
  readonly claimsOverridden: Readonly<Record<string, number>>;
  readonly waitMs: Distribution | undefined;
  readonly execMs: Distribution | undefined;
}

/** Counts finished requests; its size grows with the number of VMs only. */
export class Statistics {
  #requests = 0;
  readonly #outcome = new Map<string, number>();
  readonly #pool = new Map<string, number>();
  readonly #priority = new Map<string, number>();
  readonly #vm = new Map<string, number>();
  readonly #claimsOverridden = new Map<string, number>();
  readonly #wait = new Durations();
  readonly #exec = new Durations();

  record(request: FinishedRequest): void {
    const { vm, pool, priority, isClaimOverridden = false, outcome, waitMs, execMs } = request;
    this.#requests += 1;
    increment(this.#outcome, outcome);
    increment(this.#vm, String(vm));
    if (isClaimOverridden) increment(this.#claimsOverridden, String(vm));
    if (pool !== undefined) increment(this.#pool, pool);
    if (priority !== undefined) increment(this.#priority, priorityName(priority));
    if (waitMs !== undefined) this.#wait.record(waitMs);
    if (execMs !== undefined) this.#exec.record(execMs);
  }

  snapshot(): StatisticsSnapshot {
    return {
      requests: this.#requests,
      outcome: Object.fromEntries(this.#outcome),
      pool: Object.fromEntries(this.#pool),
      priority: Object.fromEntries(this.#priority),
      vm: Object.fromEntries(this.#vm),
      claimsOverridden: Object.fromEntries(this.#claimsOverridden),
      waitMs: this.#wait.summary(),
      execMs: this.#exec.summary(),
    };
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** A histogram of durations with microsecond resolution, which holds whole numbers from 1. */
class Durations {
  readonly #microseconds: RecordableHistogram = createHistogram();

  record(ms: number): void {
    this.#microseconds.record(Math.max(1, Math.round(ms * 1000)));
  }

  summary(): Distribution | undefined {
    const histogram = this.#microseconds;
    if (histogram.count === 0) return undefined;
    const ms = (microseconds: number) => Math.round(microseconds) / 1000;
    return {
      mean: ms(histogram.mean),
      p50: ms(histogram.percentile(50)),
      p99: ms(histogram.percentile(99)),
      max: ms(histogram.max),
    };
  }
}
