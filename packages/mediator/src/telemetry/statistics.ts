import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { type Pool, type Priority, priorityName } from '@vgpu/protocol';
import { RecentDurations, type Percentiles } from './recent-durations.js';
import type { FinishedRequest } from './finished-request.js';

/** Totals of one VM's requests since the start. */
export interface VmTotals {
  /** Finished requests with any outcome. */
  readonly requests: number;
  /** Requests with their sum as the response. */
  readonly answered: number;
  /** Requests with an error code as the response, or without a place for it. */
  readonly errors: number;
  /** Withdrawn by the VM. */
  readonly withdrawn: number;
  /** Requests that claimed another pool or priority than the registry gives the VM. */
  readonly claimsOverridden: number;
  /** Time on devices, in milliseconds. */
  readonly deviceMs: number;
}

/** Counts the finished requests of one VM, in constant space. */
export class VmStatistics implements VmTotals {
  requests = 0;
  answered = 0;
  errors = 0;
  withdrawn = 0;
  claimsOverridden = 0;
  deviceMs = 0;
  /** Effective pool and priority of its last request. */
  pool: Pool | undefined;
  priority: Priority | undefined;
  readonly #wait = new RecentDurations();

  record(request: FinishedRequest, nowMs: number): void {
    const { pool, priority, isClaimOverridden = false, outcome, waitMs, execMs } = request;
    this.requests += 1;
    if (outcome === 'OK') this.answered += 1;
    else if (outcome === 'WITHDRAWN') this.withdrawn += 1;
    else this.errors += 1;
    if (isClaimOverridden) this.claimsOverridden += 1;
    this.pool = pool ?? this.pool;
    this.priority = priority ?? this.priority;
    if (execMs !== undefined) this.deviceMs += execMs;
    if (waitMs !== undefined) this.#wait.record(waitMs, nowMs);
  }

  /** The counts alone. */
  get totals(): VmTotals {
    const { requests, answered, errors, withdrawn, claimsOverridden, deviceMs } = this;
    return { requests, answered, errors, withdrawn, claimsOverridden, deviceMs };
  }

  /** The waits for a device of requests that finished in the last five minutes. */
  recentWait(nowMs: number): Percentiles | undefined {
    return this.#wait.percentiles(nowMs);
  }
}

/** Milliseconds. */
export interface Distribution {
  /** The mean. */
  readonly mean: number;
  /** The median. */
  readonly p50: number;
  /** The 99th percentile. */
  readonly p99: number;
  /** The maximum. */
  readonly max: number;
}

/** Totals since the start. */
export interface StatisticsSnapshot {
  /** Finished requests. */
  readonly requests: number;
  /** Requests by {@link Outcome}. */
  readonly outcome: Readonly<Record<string, number>>;
  /** Requests by pool. */
  readonly pool: Readonly<Record<string, number>>;
  /** Requests by priority: `low`, `medium`, `high`. */
  readonly priority: Readonly<Record<string, number>>;
  /** Requests by the number of the VM, without removed VMs. */
  readonly vm: Readonly<Record<string, number>>;
  /** Requests whose claims the registry overrode, by VM, without removed VMs. */
  readonly claimsOverridden: Readonly<Record<string, number>>;
  /** From admission to the device, in milliseconds; undefined if no request reached one. */
  readonly waitMs: Distribution | undefined;
  /** On the device, in milliseconds; undefined if no request reached one. */
  readonly execMs: Distribution | undefined;
}

/** Counts finished requests; its size grows with the number of existing VMs. */
export class Statistics {
  readonly #all = new VmStatistics();
  readonly #outcome = new Map<string, number>();
  readonly #pool = new Map<string, number>();
  readonly #priority = new Map<string, number>();
  readonly #vms = new Map<number, VmStatistics>();
  readonly #wait = new Durations();
  readonly #exec = new Durations();

  /** @param nowMs Milliseconds on the monotonic clock. */
  record(request: FinishedRequest, nowMs: number): void {
    const { vm, pool, priority, outcome, waitMs, execMs } = request;
    this.#all.record(request, nowMs);
    increment(this.#outcome, outcome);
    let ofVm = this.#vms.get(vm);
    if (ofVm === undefined) this.#vms.set(vm, (ofVm = new VmStatistics()));
    ofVm.record(request, nowMs);
    if (pool !== undefined) increment(this.#pool, pool);
    if (priority !== undefined) increment(this.#priority, priorityName(priority));
    if (waitMs !== undefined) this.#wait.record(waitMs);
    if (execMs !== undefined) this.#exec.record(execMs);
  }

  snapshot(): StatisticsSnapshot {
    return {
      requests: this.#all.requests,
      outcome: Object.fromEntries(this.#outcome),
      pool: Object.fromEntries(this.#pool),
      priority: Object.fromEntries(this.#priority),
      vm: this.#byVm(({ requests }) => requests),
      claimsOverridden: this.#byVm(({ claimsOverridden }) => claimsOverridden),
      waitMs: this.#wait.summary(),
      execMs: this.#exec.summary(),
    };
  }

  /** Totals of all VMs, removed ones included. */
  get totals(): VmTotals {
    return this.#all.totals;
  }

  /** To be called when a VM is gone: removes its own counts, not the totals. */
  forget(vm: number): void {
    this.#vms.delete(vm);
  }

  /** VMs with finished requests, without removed VMs. */
  get vms(): ReadonlyMap<number, VmStatistics> {
    return this.#vms;
  }

  /** The counts of VMs that are not 0. */
  #byVm(count: (vm: VmStatistics) => number): Record<string, number> {
    const counts = [...this.#vms].map(([vm, ofVm]) => [String(vm), count(ofVm)] as const);
    return Object.fromEntries(counts.filter(([, number]) => number > 0));
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** A histogram of durations in microseconds; it holds whole numbers from 1. */
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
