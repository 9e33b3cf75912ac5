import type { RateLimit } from './token-bucket.js';

/** What can be changed while the mediator runs. */
export interface MediatorSettings {
  /**
   * How often VM directories are looked at, milliseconds: the latency where inotify fails. Each time
   * all that are not watched, or in which something happens, and of the others 16 or a thirty-second.
   */
  readonly pollIntervalMs: number;
  /** How long a request without a newline must stay untouched, milliseconds. */
  readonly settleMs: number;
  /** Requests of one VM in the queue; what is beyond waits on disk. */
  readonly maxQueuedPerVm: number;
  /** An operation that takes longer, milliseconds, is taken for a hung device. */
  readonly execLimitMs: number;
  /** How long an answer that nobody fetches is kept, milliseconds. */
  readonly retentionMs: number;
  /** Whether VMs that are not in the registry are answered `UNKNOWN_VM`. */
  readonly requireRegistration: boolean;
  /** How fast one VM's requests may come; what comes faster is answered `RATE_LIMITED`. */
  readonly rateLimit: RateLimit | undefined;
}

export const DEFAULT_SETTINGS: MediatorSettings = {
  pollIntervalMs: 1000,
  settleMs: 200,
  maxQueuedPerVm: 64,
  execLimitMs: 10_000,
  retentionMs: 3_600_000,
  requireRegistration: false,
  rateLimit: undefined,
};
