import type { DeviceInfo } from '@vgpu/cuda-binding';
import type { Pool, Priority } from '@vgpu/protocol';
import type { QueueDepth } from '../scheduling/queue-store.js';
import type { Percentiles } from './recent-durations.js';
import type { VmTotals } from './statistics.js';

export type { QueueDepth };

/** The lifecycle phase. `draining`: it admits no more requests, and finishes the queued ones. */
export type Phase = 'new' | 'serving' | 'draining' | 'stopping';

/** The state of a mediator, as plain data for JSON. Later versions may add fields. */
export interface MediatorSnapshot {
  /** The version of the package. */
  readonly version: string;
  /** Time since it was created, in milliseconds. */
  readonly uptimeMs: number;
  /** The directory that holds the VM directories. */
  readonly root: string;
  /** The mediator's own directory. */
  readonly stateDir: string;
  /** The lifecycle phase. */
  readonly phase: Phase;
  /** Whether the last scan could read the root; if not, new VM directories are not found. */
  readonly isRootReadable: boolean;
  /** The queue. */
  readonly queue: QueueSnapshot;
  /** The devices, in the order of the options. */
  readonly devices: readonly DeviceSnapshot[];
  /** Both pools, by letter. */
  readonly pools: readonly PoolSnapshot[];
  /** Totals of all VMs since the start, removed VMs included. */
  readonly totals: VmTotals;
  /** The registered VMs and those with a directory, by ascending number. */
  readonly vms: readonly VmSnapshot[];
}

/** The state of a mediator without its VMs. */
export type MediatorOverview = Omit<MediatorSnapshot, 'vms'>;

/** The state of a VM without the value that is slowest to compute. */
export type VmOverview = Omit<VmSnapshot, 'recentWaitMs'>;

/** The queued requests, without those on a device. */
export interface QueueSnapshot {
  /** The number of queued requests of all VMs. */
  readonly queued: number;
  /** The depth for each priority and pool, highest priority first. */
  readonly depths: readonly QueueDepth[];
  /** The age of the oldest request of each priority. */
  readonly oldest: readonly {
    /** The priority. */
    readonly priority: Priority;
    /** In milliseconds; null if no request of this priority is queued. */
    readonly ageMs: number | null;
  }[];
}

/** The state of a device. */
export interface DeviceSnapshot {
  /** Its place among the devices of the mediator, from 0. */
  readonly executor: number;
  /** Its own number; null if it is unknown before the device is opened. */
  readonly device: number | null;
  /** A GPU through CUDA, or the CPU; null until it was opened once. */
  readonly backend: DeviceInfo['backend'] | null;
  /** Its name for people; null until it was opened once. */
  readonly name: string | null;
  /**
   * `closed`: not opened yet, or closed after a fault and not reopened yet; `idle`; `busy` with a
   * request; `stopped` for good; `out-of-service` after several faults, and retried at intervals.
   */
  readonly state: 'closed' | 'idle' | 'busy' | 'stopped' | 'out-of-service';
  /** Time with a request on it since the start, in milliseconds. */
  readonly busyMs: number;
  /** Requests that it has received since the start. */
  readonly jobs: number;
  /** The number of times that it was lost or hung since the start. */
  readonly faults: number;
}

/** The devices of a pool. */
export interface PoolSnapshot {
  /** Its letter. */
  readonly pool: Pool;
  /** Their own numbers; null: every device. */
  readonly devices: readonly number[] | null;
  /** Whether at least one of them works; if not, requests of the pool wait. */
  readonly isServed: boolean;
}

/** The state of a VM, and totals of its requests. */
export interface VmSnapshot extends VmTotals {
  /** Its number. */
  readonly vm: number;
  /** Whether it is in the registry. */
  readonly registered: boolean;
  /** The registered pool, or that of its last request; null before that. */
  readonly pool: Pool | null;
  /** The registered priority, or that of its last request; null before that. */
  readonly priority: Priority | null;
  /**
   * `suspended` by the administrator; `refused`: not registered, but registration is required;
   * `absent`: it has no directory; `failing`: its directory cannot be used; else `active`.
   */
  readonly state: 'active' | 'suspended' | 'refused' | 'absent' | 'failing';
  /** Admitted requests without a response yet, those on a device included. */
  readonly queued: number;
  /** The waits of its requests for a device in the last five minutes; null if there were none. */
  readonly recentWaitMs: Percentiles | null;
}
