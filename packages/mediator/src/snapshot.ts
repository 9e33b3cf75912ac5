import type { DeviceInfo } from '@vgpu/cuda-binding';
import type { Pool, Priority } from '@vgpu/protocol';
import type { Percentiles } from './recent-durations.js';
import type { VmTotals } from './vm-statistics.js';

/** `draining`: it takes up nothing more, and finishes what is queued. */
export type Phase = 'new' | 'serving' | 'draining' | 'stopping';

/** A mediator as it is now: plain, for JSON. Later versions may add fields. */
export interface MediatorSnapshot {
  readonly version: string;
  /** Since it was made, milliseconds. */
  readonly uptimeMs: number;
  readonly root: string;
  readonly stateDir: string;
  readonly phase: Phase;
  readonly isRootReadable: boolean;
  readonly queue: QueueSnapshot;
  readonly devices: readonly DeviceSnapshot[];
  readonly pools: readonly PoolSnapshot[];
  /** By number ascending: registered ones, those with a directory, and those that had requests. */
  readonly vms: readonly VmSnapshot[];
}

/** What is queued, without what is on a device. */
export interface QueueSnapshot {
  readonly queued: number;
  /** Of all pools and priorities, highest priority first. */
  readonly depths: readonly QueueDepth[];
  /** Since the oldest request of each priority arrived, milliseconds; null without one. */
  readonly oldest: readonly { readonly priority: Priority; readonly ageMs: number | null }[];
}

/** How many requests of a pool and a priority are queued. */
export interface QueueDepth {
  readonly pool: Pool;
  readonly priority: Priority;
  readonly queued: number;
}

/** A device as it is now. */
export interface DeviceSnapshot {
  /** Its place among the devices of the mediator, from 0. */
  readonly executor: number;
  /** Its own number, backend and name; null until it was opened once. */
  readonly device: number | null;
  readonly backend: DeviceInfo['backend'] | null;
  readonly name: string | null;
  readonly state: 'closed' | 'idle' | 'busy' | 'stopped' | 'out of service';
  /** Time with a request on it since the start, milliseconds. */
  readonly busyMs: number;
  /** Requests that it was given since the start. */
  readonly jobs: number;
  /** How often it was lost or hung since the start. */
  readonly faults: number;
}

/** Which devices serve a pool. */
export interface PoolSnapshot {
  readonly pool: Pool;
  /** Their own numbers; null: every device. */
  readonly devices: readonly number[] | null;
  /** Whether one of them works; if not, requests of the pool wait. */
  readonly isServed: boolean;
}

/** A VM as it is now, and what became of its requests. */
export interface VmSnapshot extends VmTotals {
  readonly vm: number;
  readonly registered: boolean;
  /** The registered ones, or those of its last request; null before that. */
  readonly pool: Pool | null;
  readonly priority: Priority | null;
  /**
   * `suspended` by the administrator; `refused`: not registered where that is required; `absent`: it
   * has no directory; `failing`: its directory cannot be used; else `active`.
   */
  readonly state: 'active' | 'suspended' | 'refused' | 'absent' | 'failing';
  /** Requests that were admitted and are not answered yet, also those on a device. */
  readonly queued: number;
  /** How long its requests waited for a device in the last five minutes; null if there were none. */
  readonly recentWaitMs: Percentiles | null;
}
