import { PRIORITIES } from '@vgpu/protocol';
import { VERSION } from './constants.js';
import type { Executor } from './devices/executor.js';
import type { PoolAssignment } from './devices/pool-assignment.js';
import type { Lifecycle } from './lifecycle.js';
import type { QueuedRequest } from './scheduling/queued-request.js';
import type { Job } from './scheduling/job.js';
import type { RequestQueue } from './scheduling/request-queue.js';
import type { RequestSource, SourceVm } from './scheduling/request-source.js';
import type { MediatorSettings } from './settings.js';
import type { Registration, Registry } from './state/registry.js';
import type {
  MediatorOverview,
  MediatorSnapshot,
  QueueSnapshot,
  VmOverview,
  VmSnapshot,
} from './telemetry/snapshot.js';
import { type Statistics, VmStatistics } from './telemetry/statistics.js';

/** The totals of a VM without finished requests. */
const NO_TOTALS = new VmStatistics().totals;

/** The parts of a mediator from which a snapshot is gathered. */
export interface InspectionSources {
  readonly root: string;
  readonly stateDir: string;
  readonly lifecycle: Lifecycle;
  readonly queue: Pick<RequestQueue<Job>, 'size' | 'depths' | 'oldest'>;
  readonly executors: readonly Executor[];
  readonly pools: PoolAssignment;
  readonly registry: Registry;
  readonly spool: Pick<RequestSource, 'vms' | 'isReadable'>;
  readonly statistics: Statistics;
  readonly settings: Pick<MediatorSettings, 'requireRegistration'>;
}

/** Gathers the visible state of a mediator. */
export class Inspection {
  readonly #sources: InspectionSources;
  readonly #madeMs = performance.now();

  constructor(sources: InspectionSources) {
    this.#sources = sources;
  }

  /** See `Mediator.snapshot`. */
  snapshot(): MediatorSnapshot {
    const vms = [...this.vms()]
      .sort((a, b) => a.vm - b.vm)
      .map((vm) => ({ ...vm, recentWaitMs: this.recentWaitMs(vm.vm) }));
    return { ...this.overview(), vms };
  }

  /** See `Mediator.overview`. */
  overview(): MediatorOverview {
    const { root, stateDir, lifecycle, spool, executors, pools, statistics } = this.#sources;
    return {
      version: VERSION,
      uptimeMs: performance.now() - this.#madeMs,
      root,
      stateDir,
      phase: lifecycle.phase,
      isRootReadable: spool.isReadable,
      queue: this.queue(),
      devices: executors.map((executor) => executor.snapshot()),
      pools: pools.snapshot(),
      totals: statistics.totals,
    };
  }

  /** See `Mediator.queueSnapshot`. */
  queue(): QueueSnapshot {
    const { queue } = this.#sources;
    return {
      queued: queue.size,
      depths: queue.depths,
      oldest: PRIORITIES.map((priority) => {
        const oldest = queue.oldest(priority);
        return { priority, ageMs: oldest === undefined ? null : ageMsOf(oldest) };
      }),
    };
  }

  /** See `Mediator.vms`. */
  *vms(): IterableIterator<VmOverview> {
    const seen = new Set<number>();
    for (const spooled of this.#sources.spool.vms()) {
      if (seen.has(spooled.vm)) continue;
      seen.add(spooled.vm);
      yield this.#vm(spooled.vm, spooled);
    }
    for (const vm of this.#sources.registry.numbers()) {
      if (!seen.has(vm)) yield this.#vm(vm, undefined);
    }
  }

  /** See `Mediator.recentWaitMs`. */
  recentWaitMs(vm: number): VmSnapshot['recentWaitMs'] {
    return this.#sources.statistics.vms.get(vm)?.recentWait(performance.now()) ?? null;
  }

  #vm(vm: number, spooled: SourceVm | undefined): VmOverview {
    const { registry, statistics, settings } = this.#sources;
    const registration = registry.get(vm);
    const totals = statistics.vms.get(vm);
    return {
      vm,
      registered: registration !== undefined,
      pool: registration?.pool ?? totals?.pool ?? null,
      priority: registration?.priority ?? totals?.priority ?? null,
      state: stateOf(registration, spooled, settings.requireRegistration),
      queued: spooled?.queued ?? 0,
      ...(totals?.totals ?? NO_TOTALS),
    };
  }
}

/** The age by the wall clock, which stamps files and may be set back. */
function ageMsOf({ arrivalNs }: QueuedRequest): number {
  return Math.max(0, Date.now() - Number(arrivalNs / 1000n) / 1000);
}

function stateOf(
  registration: Registration | undefined,
  spooled: SourceVm | undefined,
  requireRegistration: boolean,
): VmSnapshot['state'] {
  if (registration?.suspended === true) return 'suspended';
  if (registration === undefined && requireRegistration) return 'refused';
  if (spooled === undefined) return 'absent';
  return spooled.hasFailed ? 'failing' : 'active';
}
