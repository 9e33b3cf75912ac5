import type { RateLimit } from './intake/token-bucket.js';

/** Settings that can change while the mediator runs. */
export interface MediatorSettings {
  /**
   * The interval between scans of VM directories, in milliseconds: the latency if inotify fails.
   * Every scan covers unwatched and active directories, and idle ones in rotation, max(16, 1/32)
   * per scan.
   */
  readonly pollIntervalMs: number;
  /**
   * How long a request without a trailing newline must stay unchanged to count as complete, in
   * milliseconds.
   */
  readonly settleMs: number;
  /** Maximum number of queued requests of one VM; the rest stays on disk. */
  readonly maxQueuedPerVm: number;
  /**
   * A waiting request's priority is raised by one level, up to the highest, each time this many
   * milliseconds (at least 1) have passed since its arrival; undefined: priorities are strict.
   */
  readonly agingMs: number | undefined;
  /** A device whose operation takes longer counts as hung, in milliseconds. */
  readonly execLimitMs: number;
  /** How long a response that its client has not fetched is kept, in milliseconds. */
  readonly retentionMs: number;
  /** Whether requests of unregistered VMs are rejected with `UNKNOWN_VM`. */
  readonly requireRegistration: boolean;
  /** The rate limit of one VM; requests beyond it are rejected with `RATE_LIMITED`. */
  readonly rateLimit: RateLimit | undefined;
}

/** The default settings. */
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
