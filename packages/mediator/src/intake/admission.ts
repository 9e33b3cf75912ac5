import type { Envelope, ErrorCode, Pool, Priority } from '@vgpu/protocol';
import type { Claim } from '../scheduling/queued-request.js';
import type { Registration } from '../state/registry.js';
import type { MediatorSettings } from '../settings.js';
import { TokenBucket } from './token-bucket.js';
import { VmBuckets } from './vm-buckets.js';

/** Why a request is answered with an error. */
export interface Rejection {
  readonly code: ErrorCode;
  readonly text: string;
}

/** As what a request is served. */
export interface Identity {
  readonly pool: Pool;
  readonly priority: Priority;
  /** What its line said, if that is something else. */
  readonly claim?: Claim;
}

export interface AdmissionOptions {
  readonly registry: { get(vm: number): Registration | undefined };
  /** What counts for VMs that the registry gives nothing of their own. */
  readonly settings: Pick<MediatorSettings, 'requireRegistration' | 'rateLimit' | 'maxQueuedPerVm'>;
}

/**
 * Decides whether a VM may have requests served, and as who. Which VM it is follows from the
 * directory, that is from the share that only this VM can reach; what it may do, from the registry.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #buckets = new VmBuckets(() => new TokenBucket());

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Why a VM's request is not served, whatever it says; counts it. */
  refuse(vm: number): Rejection | undefined {
    return this.refusalOf(vm) ?? this.#limit(vm);
  }

  /** Why none of a VM's requests is served at present. */
  refusalOf(vm: number): Rejection | undefined {
    const registration = this.#options.registry.get(vm);
    if (registration === undefined && this.#options.settings.requireRegistration) {
      return { code: 'UNKNOWN_VM', text: `VM ${vm} is not registered on this host` };
    }
    if (registration?.suspended === true) {
      return { code: 'SUSPENDED', text: `VM ${vm} is suspended by the administrator of this host` };
    }
    return undefined;
  }

  /** How many of a VM's requests may be queued at once. */
  maxQueued(vm: number): number {
    const { registry, settings } = this.#options;
    return registry.get(vm)?.maxQueued ?? settings.maxQueuedPerVm;
  }

  /** As what a request is served: what the registry says of its VM comes before what its line says. */
  identify({ vm, pool, priority }: Envelope): Identity {
    const registration = this.#options.registry.get(vm);
    if (registration === undefined) return { pool, priority };
    const isAsClaimed = registration.pool === pool && registration.priority === priority;
    if (isAsClaimed) return { pool, priority };
    return {
      pool: registration.pool,
      priority: registration.priority,
      claim: { pool, priority },
    };
  }

  #limit(vm: number): Rejection | undefined {
    const limit = this.#options.registry.get(vm)?.rateLimit ?? this.#options.settings.rateLimit;
    if (limit === undefined) return undefined;
    const nowMs = performance.now();
    const waitMs = this.#buckets.of(vm, nowMs).take(limit, nowMs);
    return waitMs === 0 ? undefined : { code: 'RATE_LIMITED', text: `retry in ${waitMs} ms` };
  }
}
