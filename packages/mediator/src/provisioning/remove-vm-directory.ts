import { randomUUID } from 'node:crypto';
import {
  constants,
  fstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { encodeVmDirectoryName } from '@vgpu/protocol';
import { MediatorError } from '../mediator-error.js';
import { closeRead, errnoOf, tolerate } from '@vgpu/linux';
import { vmDirectoryOf } from './vm-directories.js';

/** The deepest nesting of directories that is removed. */
const MAX_DEPTH = 64;

/**
 * Removes the directory of a VM with its contents. The VM may write to it at the same time: each
 * directory is opened without following links, and its files are reached through that descriptor,
 * so that a VM cannot redirect the removal to another place. The directory is renamed first, to a
 * name that no mediator serves: the next VM with this number starts with an empty directory even if
 * the removal fails. The same call also removes leftovers of earlier calls.
 *
 * @param root The directory that holds the VM directories.
 * @param vm Its number, 1 to 4294967295.
 * @returns false if there is no such directory.
 * @throws MediatorError `VM_DIRECTORY_UNUSABLE` if a file cannot be removed.
 */
export function removeVmDirectory(root: string, vm: number): boolean {
  const path = vmDirectoryOf(root, vm);
  const prefix = `.${encodeVmDirectoryName(vm)}.removed-`;
  let removed = join(resolve(root), prefix + randomUUID());
  try {
    tolerate(['ENOENT'], () => {
      renameSync(path, removed);
    });
    const names = tolerate(['ENOENT'], () => readdirSync(root)) ?? [];
    const leftovers = names.filter((name) => name.startsWith(prefix));
    for (const name of leftovers) {
      removed = join(resolve(root), name);
      removeAny(Buffer.from(removed));
    }
    return leftovers.length > 0;
  } catch (cause) {
    const code = errnoOf(cause);
    if (code === undefined) throw cause;
    const rest =
      code === 'EBUSY' ? 'unmount the file system there first' : `the rest is in ${removed}`;
    throw new MediatorError(
      'VM_DIRECTORY_UNUSABLE',
      `cannot remove ${path} with its contents: ${(cause as Error).message}; ${rest}`,
      { cause },
    );
  }
}

const AS_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Removes a file, or a directory with its contents; of a link, only the link.
 *
 * @param top The file system of the top directory, and the depth below it.
 */
function removeAny(path: Buffer, top?: { readonly dev: number; readonly depth: number }): void {
  const fd = tolerate(['ENOENT', 'ENOTDIR', 'ELOOP'], () => openSync(path, AS_DIRECTORY));
  if (fd === undefined) {
    tolerate(['ENOENT'], () => {
      unlinkSync(path);
    });
    return;
  }
  try {
    const { dev } = fstatSync(fd);
    const depth = top?.depth ?? 0;
    if (depth >= MAX_DEPTH) {
      throw refusal('ELOOP', `its directories are nested more than ${MAX_DEPTH} deep`);
    }
    if (top !== undefined && dev !== top.dev) {
      throw refusal('EXDEV', 'another file system is mounted in it; unmount that first');
    }
    const opened = `/proc/self/fd/${fd}/`;
    // Names are bytes, and need not be text.
    for (const name of readdirSync(opened, 'buffer')) {
      removeAny(Buffer.concat([Buffer.from(opened), name]), { dev, depth: depth + 1 });
    }
  } finally {
    closeRead(fd);
  }
  rmdirSync(path);
}

function refusal(code: string, reason: string): Error {
  return Object.assign(new Error(reason), { code });
}
