import type { Job } from '../scheduling/job.js';
import type { Registration } from '../state/registration.js';
import type { Registry } from '../state/registry.js';
import { PRIORITIES, type RequestQueue } from '../scheduling/request-queue.js';
import type { QueueSnapshot, VmOverview, VmSnapshot } from './snapshot.js';
import type { Spool, SpooledVm } from '../spool/spool.js';
import type { Statistics } from './statistics.js';
import { VmStatistics } from './vm-statistics.js';

/** Of a VM of which no request has finished. */
const NOTHING = new VmStatistics().totals;

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

/** In no order, each once; what happens while it is gone through may be in it, or not. */
export function* vmOverviews(sources: VmSources): IterableIterator<VmOverview> {
  const seen = new Set<number>();
  for (const spooled of sources.spool.vms()) {
    if (seen.has(spooled.vm)) continue;
    seen.add(spooled.vm);
    yield vmOverview(spooled.vm, sources, spooled);
  }
  for (const vm of sources.registry?.numbers() ?? []) {
    if (!seen.has(vm)) yield vmOverview(vm, sources, undefined);
  }
}

/** By number ascending. */
export function vmSnapshots(sources: VmSources): VmSnapshot[] {
  return [...vmOverviews(sources)]
    .sort((a, b) => a.vm - b.vm)
    .map((vm) => ({ ...vm, recentWaitMs: recentWait(vm.vm, sources) }));
}

export function recentWait(vm: number, { statistics }: Pick<VmSources, 'statistics'>) {
  return statistics.vms.get(vm)?.recentWait(performance.now()) ?? null;
}

function vmOverview(
  vm: number,
  { registry, statistics, requireRegistration }: VmSources,
  spooled: SpooledVm | undefined,
): VmOverview {
  const registration = registry?.get(vm);
  const totals = statistics.vms.get(vm);
  return {
    vm,
    registered: registration !== undefined,
    pool: registration?.pool ?? totals?.pool ?? null,
    priority: registration?.priority ?? totals?.priority ?? null,
    state: stateOf(registration, spooled, requireRegistration),
    queued: spooled?.queued ?? 0,
    ...(totals?.totals ?? NOTHING),
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
