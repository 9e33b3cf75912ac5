import type { Job } from './job.js';
import type { Registration } from './registration.js';
import type { Registry } from './registry.js';
import { PRIORITIES, type RequestQueue } from './request-queue.js';
import type { QueueSnapshot, VmSnapshot } from './snapshot.js';
import type { Spool, SpooledVm } from './spool/spool.js';
import type { Statistics } from './statistics.js';

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
