import { resolve } from 'node:path';
import type { Pool } from '@vgpu/protocol';
import { makeStateDir } from '../state/directories.js';
import { Registry } from '../state/registry.js';
import { whileRegistryIsLocked } from './registry-lock.js';

/**
 * Assigns devices to a pool; on disk when the call returns. Several processes may change the
 * registry at the same time.
 *
 * @param pool `A` or `B`.
 * @param devices Their numbers as in `--devices`; undefined: every device.
 * @param stateDir The mediator's own directory; created if it does not exist.
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
