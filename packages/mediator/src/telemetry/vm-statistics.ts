import type { Pool, Priority } from '@vgpu/protocol';
import { RecentDurations, type Percentiles } from './recent-durations.js';
import type { FinishedRequest } from './finished-request.js';

/** What has become of one VM's requests since the start. */
export interface VmTotals {
  /** Those that have left the mediator, however they ended. */
  readonly requests: number;
  /** Answered with their sums. */
  readonly answered: number;
  /** Answered with an error code, or without a place to put the answer. */
  readonly errors: number;
  /** Withdrawn by the VM. */
  readonly withdrawn: number;
  /** Requests that claimed another pool or priority than the registry gives the VM. */
  readonly claimsOverridden: number;
  /** Time on devices, milliseconds. */
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
  /** As what its last request was served. */
  pool: Pool | undefined;
  priority: Priority | undefined;
  readonly #wait = new RecentDurations();

  record(request: FinishedRequest, nowMs: number): void {
    const { pool, priority, isClaimOverridden = false, outcome, waitMs, execMs } = request;
    this.requests += 1;
    if (outcome === 'ok') this.answered += 1;
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

  /** How long requests waited for a device, of those that finished in the last five minutes. */
  recentWait(nowMs: number): Percentiles | undefined {
    return this.#wait.percentiles(nowMs);
  }
}
