import fs from 'node:fs';
import { join } from 'node:path';
import { encodeVmDirectoryName } from '@vgpu/protocol';
import { VgpuError } from '../../errors.js';
import { shareError } from '../../share-error.js';

/**
 * Runs a function that uses the directories of VMs.
 *
 * @param mayCreate Creates missing ones, and removes them at the end if they are empty.
 * @throws VgpuError `SHARE_UNAVAILABLE` where one is missing; `NO_PERMISSION` or `CANNOT_CREATE`.
 */
export async function withDirectories<T>(
  root: string,
  vms: readonly number[],
  mayCreate: boolean,
  use: () => Promise<T>,
): Promise<T> {
  const paths = vms.map((vm) => join(root, encodeVmDirectoryName(vm)));
  const missing = paths.filter((path) => !fs.existsSync(path));
  if (!mayCreate) requireNone(missing);
  try {
    for (const path of missing) create(path);
    return await use();
  } finally {
    for (const path of missing) removeIfEmpty(path);
  }
}

function create(path: string): void {
  try {
    fs.mkdirSync(path, 0o700);
    // As `vgpu-mediator vm add` makes them, whatever the umask is.
    fs.chmodSync(path, 0o2770);
  } catch (error) {
    throw shareError(`create ${path}`, error, 'CANNOT_CREATE');
  }
}

function requireNone([first, ...others]: readonly string[]): void {
  if (first === undefined) return;
  const more = others.length > 0 ? `, nor do ${others.length} more` : '';
  throw new VgpuError(
    'SHARE_UNAVAILABLE',
    `${first} does not exist${more}; choose others with --root and --vms, ` +
      'or create them for this run with --create',
  );
}

function removeIfEmpty(directory: string): void {
  try {
    fs.rmdirSync(directory);
  } catch {
    // It holds files of another program, or a late response.
  }
}
