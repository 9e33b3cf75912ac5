import type { Envelope, ErrorCode, Pool, Priority } from '@vgpu/protocol';
import type { Claim } from '../scheduling/queued-request.js';
import type { Registration } from '../state/registry.js';
import type { MediatorSettings } from '../settings.js';
import { TokenBucket } from './token-bucket.js';
import { VmBuckets } from './vm-buckets.js';

const MAX_TEXT = 200;

/** The error with which a request is rejected. */
export interface Rejection {
  readonly code: ErrorCode;
  readonly text: string;
}

/** Makes a message fit for a response: one line of printable ASCII, at most 200 characters. */
export function responseText(message: string): string {
  return message.slice(0, MAX_TEXT).replace(/[^\x20-\x7e]+/g, ' ');
}

/** The pool and priority with which a request is served. */
export interface Identity {
  readonly pool: Pool;
  readonly priority: Priority;
  /** The pool and priority in its line, if they differ. */
  readonly claim?: Claim;
}

export interface AdmissionOptions {
  readonly registry: { get(vm: number): Registration | undefined };
  /** Limits for VMs that have none of their own in the registry. */
  readonly settings: Pick<MediatorSettings, 'requireRegistration' | 'rateLimit' | 'maxQueuedPerVm'>;
}

/**
 * Decides whether a VM's requests are served, and with which pool and priority. The directory identifies
 * the VM, since only this VM can reach that share; the registry says what the VM may do.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #buckets = new VmBuckets(() => new TokenBucket());

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Why a VM's request is not served, regardless of its content; counts it for the rate limit. */
  refuse(vm: number): Rejection | undefined {
    return this.refusalOf(vm) ?? this.#limit(vm);
  }

  /** Why no request of a VM is served at present. */
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

  /** The pool and priority of a request: the registry's for its VM take precedence over those in its line. */
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
