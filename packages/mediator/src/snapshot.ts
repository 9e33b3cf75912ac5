import type { Pool, Priority } from '@vgpu/protocol';
import type { DeviceSnapshot } from './executor.js';
import type { Job } from './job.js';
import type { Percentiles } from './recent-durations.js';
import type { Registration, Registry } from './registry.js';
import { PRIORITIES, type QueueDepth, type RequestQueue } from './request-queue.js';
import type { Spool, SpooledVm } from './spool/spool.js';
import type { Statistics } from './statistics.js';
import type { VmTotals } from './vm-statistics.js';

export type Phase = 'new' | 'serving' | 'stopping';

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

/** What the VMs of a snapshot are gathered from. */
export interface VmSources {
  /** Absent until the start. */
  readonly registry: Registry | undefined;
  readonly spool: Spool;
  readonly statistics: Statistics;
  readonly requireRegistration: boolean;
}

export function queueSnapshot(queue: RequestQueue): QueueSnapshot {
  return {
    queued: queue.size,
    depths: queue.depths,
    oldest: PRIORITIES.map((priority) => {
      const oldest = queue.oldest(priority);
      return { priority, ageMs: oldest === undefined ? null : ageMsOf(oldest) };
    }),
  };
}

/** By the clock that stamps files; it may be set. */
function ageMsOf({ arrivalNs }: Job): number {
  return Math.max(0, Date.now() - Number(arrivalNs / 1000n) / 1000);
}

export function vmSnapshots(sources: VmSources): VmSnapshot[] {
  const { registry, statistics } = sources;
  const spooled = new Map<number, SpooledVm>();
  for (const vm of sources.spool.vms()) spooled.set(vm.vm, vm);
  const registered = (registry?.entries() ?? []).map(([vm]) => vm);
  const numbers = new Set([...registered, ...spooled.keys(), ...statistics.vms.keys()]);
  const nowMs = performance.now();
  return [...numbers]
    .sort((a, b) => a - b)
    .map((vm) => vmSnapshot(vm, sources, spooled.get(vm), nowMs));
}

function vmSnapshot(
  vm: number,
  { registry, statistics, requireRegistration }: VmSources,
  spooled: SpooledVm | undefined,
  nowMs: number,
): VmSnapshot {
  const registration = registry?.get(vm);
  const totals = statistics.vms.get(vm);
  return {
    vm,
    registered: registration !== undefined,
    pool: registration?.pool ?? totals?.pool ?? null,
    priority: registration?.priority ?? totals?.priority ?? null,
    state: stateOf(registration, spooled, requireRegistration),
    queued: spooled?.queued ?? 0,
    requests: totals?.requests ?? 0,
    answered: totals?.answered ?? 0,
    errors: totals?.errors ?? 0,
    withdrawn: totals?.withdrawn ?? 0,
    claimsOverridden: totals?.claimsOverridden ?? 0,
    deviceMs: totals?.deviceMs ?? 0,
    recentWaitMs: totals?.recentWait(nowMs) ?? null,
  };
}

function stateOf(
  registration: Registration | undefined,
  spooled: SpooledVm | undefined,
  requireRegistration: boolean,
): VmSnapshot['state'] {
  if (registration?.suspended === true) return 'suspended';
  if (registration === undefined && requireRegistration) return 'refused';
  if (spooled === undefined) return 'absent';
  return spooled.hasFailed ? 'failing' : 'active';
}
