import { resolve } from 'node:path';
import type { Pool, Priority } from '@vgpu/protocol';
import type { Registration } from '../state/registration.js';
import { Registry } from '../state/registry.js';
import type { RateLimit } from '../intake/token-bucket.js';
import { writeDeviceFile } from './device-file.js';
import { registered } from './registered.js';
import { whileRegistryIsLocked } from './registry-lock.js';

/** What is to be otherwise about a VM; what is absent stays as it is. */
export interface VmChanges {
  /** Which devices may serve it. */
  readonly pool?: Pool | undefined;
  /** 2 high, 1 medium, 0 low. */
  readonly priority?: Priority | undefined;
  /** Whether its requests are answered `SUSPENDED`. */
  readonly suspended?: boolean | undefined;
  /** null: the mediator's own limit counts again. */
  readonly rateLimit?: RateLimit | null | undefined;
  /** null: the mediator's own limit counts again. */
  readonly maxQueued?: number | null | undefined;
}

/**
 * Changes what the registry says of a VM, and with pool or priority its register block, which the VM
 * has once it is started anew. The registration is the last step, and on disk when the call returns.
 *
 * @param vm Its number, 1 to 4294967295.
 * @param changes What is to be otherwise.
 * @param stateDir The mediator's own directory.
 * @returns what is registered now.
 * @throws MediatorError `NOT_REGISTERED`, `INVALID_REGISTRY` or `STATE_DIR_UNUSABLE`.
 */
export function setVm(vm: number, changes: VmChanges, stateDir: string): Registration {
  const path = resolve(stateDir);
  // There may be no state directory to lock.
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
