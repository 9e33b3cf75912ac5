import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Makes a root with VM directories, and removes it after its use.
 *
 * @template T
 * @param {number} vms numbered from 1
 * @param {(root: string) => Promise<T>} use
 * @param {boolean} [isOnDisk] false: on a tmpfs where there is one
 */
export async function withRoot(vms, use, isOnDisk = false) {
  const isInMemory = !isOnDisk && existsSync('/dev/shm');
  const base = mkdtempSync(join(isInMemory ? '/dev/shm' : tmpdir(), 'vgpu-bench-'));
  const root = join(base, 'vgpu');
  for (let vm = 1; vm <= vms; vm += 1) mkdirSync(join(root, `vm${vm}`), { recursive: true });
  try {
    return await use(root);
  } finally {
    rmSync(base, { recursive: true });
  }
}
