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

/** In one that is deeper, whatever made it, the rest is left. */
const MAX_DEPTH = 64;

/**
 * Removes the directory of a VM with all that is in it. The VM may still write to it meanwhile: each
 * directory is opened without following a link, and what is in it is reached through that descriptor,
 * so that nothing elsewhere can be put in its place. It gets another name first, by which no mediator
 * serves it: the number's next tenant starts with nothing, whatever cannot be removed. The same call
 * removes what earlier ones have left.
 *
 * @param root The directory that holds the VM directories.
 * @param vm Its number, 1 to 4294967295.
 * @returns false if there is none.
 * @throws MediatorError `VM_DIRECTORY_UNUSABLE`: something could not be removed.
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
    const left = names.filter((name) => name.startsWith(prefix));
    for (const name of left) {
      removed = join(resolve(root), name);
      removeAny(Buffer.from(removed));
    }
    return left.length > 0;
  } catch (cause) {
    const code = errnoOf(cause);
    if (code === undefined) throw cause;
    const rest =
      code === 'EBUSY' ? 'unmount what is mounted there first' : `what is left is in ${removed}`;
    throw new MediatorError(
      'VM_DIRECTORY_UNUSABLE',
      `cannot remove ${path} with all that is in it: ${(cause as Error).message}; ${rest}`,
      { cause },
    );
  }
}

const AS_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Removes a file, or a directory and what is in it; a link goes, what it leads to stays.
 *
 * @param top The file system that it is on, and how many directories it is in.
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
      throw refusal('ELOOP', `it has directories in each other, more than ${MAX_DEPTH} of them`);
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
