import type { ErrorCode, Pool, Priority, Request } from '@vgpu/protocol';
import type { Registration } from '../state/registry.js';
import type { MediatorSettings } from '../settings.js';
import { TokenBucket } from './token-bucket.js';
import { VmBuckets } from './vm-buckets.js';

/** Why a request is answered with an error. */
export interface Rejection {
  readonly code: ErrorCode;
  readonly text: string;
}

/** What a request line said of its pool and priority, where the registry says something else. */
export interface Claim {
  readonly pool: Pool;
  readonly priority: Priority;
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

  /** The request as it is served, with the claim that was overridden, if one was. */
  identify(request: Request): { readonly request: Request; readonly claim?: Claim } {
    const registration = this.#options.registry.get(request.vm);
    if (registration === undefined) return { request };
    const { pool, priority } = registration;
    if (pool === request.pool && priority === request.priority) return { request };
    return {
      request: { ...request, pool, priority },
      claim: { pool: request.pool, priority: request.priority },
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
