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

/** The owner and the VM's group may do all, others nothing; answers get the group of the directory. */
const MODE = 0o2770;

/** The directory of a VM. */
export function vmDirectoryOf(root: string, vm: number): string {
  return join(resolve(root), encodeVmDirectoryName(vm));
}

/**
 * Creates the directory of a VM, with mode 2770, if there is none. One that is there stays as it is,
 * unless a group is given.
 *
 * @param gid The group to which it is given.
 * @returns whether it was created.
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
      code === 'ENOTDIR' || code === 'ELOOP' ? 'it is no directory' : (cause as Error).message;
    const remedy =
      code === 'EPERM' ? '; run as root, or as a member of the group that it is given to' : '';
    throw new MediatorError('VM_DIRECTORY_UNUSABLE', `cannot use ${path}: ${reason}${remedy}`, {
      cause,
    });
  }
}

/** Under another name first: whoever is killed leaves no directory that a VM cannot use. */
function create(root: string, path: string, vm: number, gid: number | undefined): void {
  const temporary = join(root, `.${encodeVmDirectoryName(vm)}.new`);
  tolerate(['ENOENT'], () => {
    rmdirSync(temporary);
  });
  mkdirSync(temporary, 0o700);
  try {
    // A mediator that is not root must own it: else a VM could lock it out by a mode.
    const { uid } = ownerFor(root);
    if (uid !== -1) chownSync(temporary, uid, -1);
    adopt(temporary, gid, true);
    renameSync(temporary, path);
  } catch (error) {
    rmdirSync(temporary);
    throw error;
  }
}

/** Gives a directory to a group, if there is one to give it to; a link is not followed. */
function adopt(path: string, gid: number | undefined, isNew = false): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    if (gid !== undefined) fchownSync(fd, -1, gid);
    else if (!isNew) return;
    fchmodSync(fd, MODE);
    // The kernel leaves the set-group-ID bit out, and says nothing, if the group is not the caller's.
    if ((fstatSync(fd).mode & 0o7777) === MODE) return;
    throw Object.assign(new Error('its group is not one of this user'), { code: 'EPERM' });
  } finally {
    closeSync(fd);
  }
}

/**
 * The group as which a VM's export is to act: that of its directory. undefined if there is no
 * directory, or if its group is root's or of the same number as the directory's owner: a guest must
 * be neither root nor the mediator's user.
 */
export function groupOfVm(root: string, vm: number): number | undefined {
  const stats = tolerate(['ENOENT', 'ENOTDIR', 'EACCES'], () => lstatSync(vmDirectoryOf(root, vm)));
  if (stats?.isDirectory() !== true || stats.gid === 0 || stats.gid === stats.uid) return undefined;
  return stats.gid;
}
