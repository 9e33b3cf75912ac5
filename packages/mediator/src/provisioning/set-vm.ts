import { resolve } from 'node:path';
import type { Pool, Priority } from '@vgpu/protocol';
import { MediatorError } from '../mediator-error.js';
import { type Registration, Registry } from '../state/registry.js';
import type { RateLimit } from '../intake/token-bucket.js';
import { writeDeviceFile } from './device-file.js';
import { whileRegistryIsLocked } from './registry-lock.js';

/** The registration of a VM. @throws MediatorError `NOT_REGISTERED`. */
export function registered(registry: Registry, vm: number): Registration {
  const registration = registry.get(vm);
  if (registration !== undefined) return registration;
  throw new MediatorError(
    'NOT_REGISTERED',
    `VM ${vm} is not registered; vgpu-mediator vm list prints the registered ones, and vgpu-mediator ` +
      `vm add ${vm} --pool A --priority medium registers it`,
  );
}

/** Changes of a VM; absent settings stay unchanged. */
export interface VmChanges {
  /** Which devices may serve it. */
  readonly pool?: Pool | undefined;
  /** 2 high, 1 medium, 0 low. */
  readonly priority?: Priority | undefined;
  /** Whether its requests are rejected with `SUSPENDED`. */
  readonly suspended?: boolean | undefined;
  /** null: back to the mediator's limit. */
  readonly rateLimit?: RateLimit | null | undefined;
  /** null: back to the mediator's limit. */
  readonly maxQueued?: number | null | undefined;
}

/**
 * Changes the registration of a VM and, if pool or priority change, its register block, which the
 * VM sees after a restart. The registration is the last step, and on disk when the call returns.
 *
 * @param vm Its number, 1 to 4294967295.
 * @param changes The changed settings.
 * @param stateDir The mediator's own directory.
 * @returns The new registration.
 * @throws MediatorError `NOT_REGISTERED`, `INVALID_REGISTRY` or `STATE_DIR_UNUSABLE`.
 */
export function setVm(vm: number, changes: VmChanges, stateDir: string): Registration {
  const path = resolve(stateDir);
  // Without a state directory there is nothing to lock.
  registered(new Registry(path), vm);
  return whileRegistryIsLocked(path, () => {
    const registry = new Registry(path);
    const before = registered(registry, vm);
    const after = changed(before, changes);
    const { pool, priority } = after;
    if (pool !== before.pool || priority !== before.priority) {
      writeDeviceFile(path, { vm, pool, priority });
    }
    registry.set(vm, after);
    return registered(registry, vm);
  });
}

function changed(before: Registration, changes: VmChanges): Registration {
  const { rateLimit = before.rateLimit, maxQueued = before.maxQueued } = changes;
  return {
    pool: changes.pool ?? before.pool,
    priority: changes.priority ?? before.priority,
    suspended: changes.suspended ?? before.suspended,
    ...(rateLimit && { rateLimit }),
    ...(maxQueued !== null && maxQueued !== undefined && { maxQueued }),
  };
}
