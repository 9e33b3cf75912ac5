import type { RateLimit } from './intake/token-bucket.js';

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
  /**
   * What waits rises by one level, up to the highest, for each time that so many milliseconds (1 at least)
   * have gone since its arrival; undefined: the order is strict.
   */
  readonly agingMs: number | undefined;
  /** An operation that takes longer, milliseconds, is taken for a hung device. */
  readonly execLimitMs: number;
  /** How long an answer that nobody fetches is kept, milliseconds. */
  readonly retentionMs: number;
  /** Whether VMs that are not in the registry are answered `UNKNOWN_VM`. */
  readonly requireRegistration: boolean;
  /** How fast one VM's requests may come; what comes faster is answered `RATE_LIMITED`. */
  readonly rateLimit: RateLimit | undefined;
}

/** The settings where nothing else is said. */
export const DEFAULT_SETTINGS: MediatorSettings = {
  pollIntervalMs: 1000,
  settleMs: 200,
  maxQueuedPerVm: 64,
  agingMs: undefined,
  execLimitMs: 10_000,
  retentionMs: 3_600_000,
  requireRegistration: false,
  rateLimit: undefined,
};
