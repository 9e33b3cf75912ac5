/** What can be changed while the mediator runs. */
export interface MediatorSettings {
  /** How often every VM directory is looked at, milliseconds: the latency where inotify fails. */
  readonly pollIntervalMs: number;
  /** How long a request without a newline must stay untouched, milliseconds. */
  readonly settleMs: number;
  /** Requests of one VM in the queue; what is beyond waits on disk. */
  readonly maxQueuedPerVm: number;
  /** An operation that takes longer, milliseconds, is taken for a hung device. */
  readonly execLimitMs: number;
  /** How long an answer that nobody fetches is kept, milliseconds. */
  readonly retentionMs: number;
}

export const DEFAULT_SETTINGS: MediatorSettings = {
  pollIntervalMs: 1000,
  settleMs: 200,
  maxQueuedPerVm: 64,
  execLimitMs: 10_000,
  retentionMs: 3_600_000,
};
