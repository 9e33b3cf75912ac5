import type { DeviceInfo } from '@vgpu/cuda-binding';
import type { Pool, Priority } from '@vgpu/protocol';
import type { QueueDepth } from '../scheduling/queue-store.js';
import type { Percentiles } from './recent-durations.js';
import type { VmTotals } from './vm-statistics.js';

export type { QueueDepth };

/** `draining`: it takes up nothing more, and finishes what is queued. */
export type Phase = 'new' | 'serving' | 'draining' | 'stopping';

/** A mediator as it is now: plain, for JSON. Later versions may add fields. */
export interface MediatorSnapshot {
  /** Of the package. */
  readonly version: string;
  /** Since it was made, milliseconds. */
  readonly uptimeMs: number;
  /** The directory that holds the VM directories. */
  readonly root: string;
  /** The mediator's own directory. */
  readonly stateDir: string;
  /** How far it is between its start and its end. */
  readonly phase: Phase;
  /** Whether the root could be read the last time; if not, new VM directories are not seen. */
  readonly isRootReadable: boolean;
  /** What is queued. */
  readonly queue: QueueSnapshot;
  /** In the order in which they were given. */
  readonly devices: readonly DeviceSnapshot[];
  /** Both, by letter. */
  readonly pools: readonly PoolSnapshot[];
  /** Of all VMs since the start, also of those that are gone. */
  readonly totals: VmTotals;
  /** By number ascending: registered ones, and those with a directory. */
  readonly vms: readonly VmSnapshot[];
}

/** A mediator as it is now, without its VMs. */
export type MediatorOverview = Omit<MediatorSnapshot, 'vms'>;

/** A VM as it is now, without what takes longest to find out. */
export type VmOverview = Omit<VmSnapshot, 'recentWaitMs'>;

/** What is queued, without what is on a device. */
export interface QueueSnapshot {
  /** Requests of all VMs. */
  readonly queued: number;
  /** Of all pools and priorities, highest priority first. */
  readonly depths: readonly QueueDepth[];
  /** Since the oldest request of each priority arrived, milliseconds; null without one. */
  readonly oldest: readonly {
    /** Which priority. */
    readonly priority: Priority;
    /** Milliseconds; null if nothing of this priority is queued. */
    readonly ageMs: number | null;
  }[];
}

/** A device as it is now. */
export interface DeviceSnapshot {
  /** Its place among the devices of the mediator, from 0. */
  readonly executor: number;
  /** Its own number; null where that is not known before it is opened. */
  readonly device: number | null;
  /** What computes: a GPU by CUDA, or the CPU; null until it was opened once. */
  readonly backend: DeviceInfo['backend'] | null;
  /** For people; null until it was opened once. */
  readonly name: string | null;
  /**
   * `closed`: not opened, or let go after a fault and not open again yet; `idle`; `busy` with a request;
   * `stopped` for good; `out of service` after several faults, and tried again at intervals.
   */
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
  /** Its letter. */
  readonly pool: Pool;
  /** Their own numbers; null: every device. */
  readonly devices: readonly number[] | null;
  /** Whether one of them works; if not, requests of the pool wait. */
  readonly isServed: boolean;
}

/** A VM as it is now, and what became of its requests. */
export interface VmSnapshot extends VmTotals {
  /** Its number. */
  readonly vm: number;
  /** Whether it is in the registry. */
  readonly registered: boolean;
  /** The registered ones, or those of its last request; null before that. */
  readonly pool: Pool | null;
  /** As for the pool. */
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
