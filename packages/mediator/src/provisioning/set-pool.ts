import { resolve } from 'node:path';
import type { Pool } from '@vgpu/protocol';
import { makeStateDir } from './make-state-dir.js';
import { Registry } from '../state/registry.js';
import { whileRegistryIsLocked } from './registry-lock.js';

/**
 * Says which devices serve a pool; on disk when the call returns. Several processes may change the
 * registry at once.
 *
 * @param pool `A` or `B`.
 * @param devices By the numbers that `--devices` has; undefined: every device.
 * @param stateDir Created if there is none.
 * @throws MediatorError `INVALID_REGISTRY` or `STATE_DIR_UNUSABLE`.
 */
export function setPool(
  pool: Pool,
  devices: readonly number[] | undefined,
  stateDir: string,
): void {
  const path = resolve(stateDir);
  makeStateDir(path);
  whileRegistryIsLocked(path, () => {
    new Registry(path).setPoolDevices(pool, devices);
  });
}
