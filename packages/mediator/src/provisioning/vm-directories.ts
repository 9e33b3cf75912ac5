import {
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { encodeVmDirectoryName } from '@vgpu/protocol';
import { MediatorError } from '../mediator-error.js';
import { ownerFor } from '../state/replace-file.js';
import { errnoOf, tolerate } from '@vgpu/linux';

/** Full access for the owner and the VM's group only; responses get the group of the directory. */
const MODE = 0o2770;

/** The directory of a VM. */
export function vmDirectoryOf(root: string, vm: number): string {
  return join(resolve(root), encodeVmDirectoryName(vm));
}

/**
 * Creates the directory of a VM, with mode 2770, if it does not exist. An existing one stays
 * unchanged unless a group is given.
 *
 * @param gid Its new group.
 * @returns Whether it was created.
 * @throws MediatorError `VM_DIRECTORY_UNUSABLE`.
 */
export function makeVmDirectory(root: string, vm: number, gid?: number): boolean {
  const path = vmDirectoryOf(root, vm);
  try {
    const isNew = tolerate(['ENOENT'], () => lstatSync(path)) === undefined;
    if (isNew) create(resolve(root), path, vm, gid);
    else adopt(path, gid);
    return isNew;
  } catch (cause) {
    const code = errnoOf(cause);
    if (code === undefined) throw cause;
    const reason =
      code === 'ENOTDIR' || code === 'ELOOP' ? 'it is not a directory' : (cause as Error).message;
    const remedy = code === 'EPERM' ? '; run as root, or as a member of that group' : '';
    throw new MediatorError('VM_DIRECTORY_UNUSABLE', `cannot use ${path}: ${reason}${remedy}`, {
      cause,
    });
  }
}

/** Creates it under a temporary name first, so that a kill leaves no unusable VM directory. */
function create(root: string, path: string, vm: number, gid: number | undefined): void {
  const temporary = join(root, `.${encodeVmDirectoryName(vm)}.new`);
  tolerate(['ENOENT'], () => {
    rmdirSync(temporary);
  });
  mkdirSync(temporary, 0o700);
  try {
    // The mediator must own it: otherwise a VM could lock it out with a mode.
    const { uid } = ownerFor(root);
    if (uid !== -1) chownSync(temporary, uid, -1);
    adopt(temporary, gid, true);
    renameSync(temporary, path);
  } catch (error) {
    rmdirSync(temporary);
    throw error;
  }
}

/** Sets the group, if given, and the mode of a directory; does not follow links. */
function adopt(path: string, gid: number | undefined, isNew = false): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    if (gid !== undefined) fchownSync(fd, -1, gid);
    else if (!isNew) return;
    fchmodSync(fd, MODE);
    // The kernel silently clears the set-group-ID bit if the caller is not in the group.
    if ((fstatSync(fd).mode & 0o7777) === MODE) return;
    throw Object.assign(new Error('its group is not one of this user'), { code: 'EPERM' });
  } finally {
    closeSync(fd);
  }
}

/**
 * The group of a VM's export: that of its directory. undefined if the directory does not exist, or
 * if its group is the superuser's or has the number of the directory's owner: a guest must be
 * neither root nor the mediator's user.
 */
export function groupOfVm(root: string, vm: number): number | undefined {
  const stats = tolerate(['ENOENT', 'ENOTDIR', 'EACCES'], () => lstatSync(vmDirectoryOf(root, vm)));
  if (stats?.isDirectory() !== true || stats.gid === 0 || stats.gid === stats.uid) return undefined;
  return stats.gid;
}
