import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { priorityName } from '@vgpu/protocol';
import type { FinishedRequest } from './finished-request.js';
import { VmStatistics, type VmTotals } from './vm-statistics.js';

/** Milliseconds. */
export interface Distribution {
  /** Of all. */
  readonly mean: number;
  /** So many, or less, took half of all. */
  readonly p50: number;
  /** So many, or less, took 99 of 100. */
  readonly p99: number;
  /** The longest. */
  readonly max: number;
}

/** Totals since the start. */
export interface StatisticsSnapshot {
  /** Requests that have left the mediator. */
  readonly requests: number;
  /** Requests by {@link Outcome}. */
  readonly outcome: Readonly<Record<string, number>>;
  /** Requests by pool. */
  readonly pool: Readonly<Record<string, number>>;
  /** Requests by priority: `low`, `medium`, `high`. */
  readonly priority: Readonly<Record<string, number>>;
  /** Requests by the number of the VM, of those that are not gone. */
  readonly vm: Readonly<Record<string, number>>;
  /** By VM, of those that are not gone: requests whose claims the registry overrode. */
  readonly claimsOverridden: Readonly<Record<string, number>>;
  /** From admission to the device, milliseconds; undefined if none got there. */
  readonly waitMs: Distribution | undefined;
  /** On the device, milliseconds; undefined if none got there. */
  readonly execMs: Distribution | undefined;
}

/** Counts finished requests; its size grows with the number of VMs that are not gone. */
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

  /** Of all VMs, also of those that were forgotten. */
  get totals(): VmTotals {
    return this.#all.totals;
  }

  /** A VM is gone: only what was counted of all VMs stays. */
  forget(vm: number): void {
    this.#vms.delete(vm);
  }

  /** VMs of which a request has finished, unless they were forgotten since. */
  get vms(): ReadonlyMap<number, VmStatistics> {
    return this.#vms;
  }

  /** The VMs of which there is something to count. */
  #byVm(count: (vm: VmStatistics) => number): Record<string, number> {
    const counts = [...this.#vms].map(([vm, ofVm]) => [String(vm), count(ofVm)] as const);
    return Object.fromEntries(counts.filter(([, number]) => number > 0));
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
