import { chmodSync, chownSync, lstatSync, readFileSync, unlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { encodeRegisterBlock, encodeVmDirectoryName, type Identity } from '@vgpu/protocol';
import { makeDirectory } from '../state/directories.js';
import { MediatorError } from '../mediator-error.js';
import { ownerFor, replaceFile, syncDirectory } from '../state/replace-file.js';
import { errnoOf, tolerate } from '@vgpu/linux';

/**
 * The file with the register block of a VM: the memory of its virtual device.
 *
 * @param stateDir The mediator's own directory.
 * @param vm Its number, 1 to 4294967295.
 */
export function deviceFileOf(stateDir: string, vm: number): string {
  return join(resolve(stateDir), 'devices', `${encodeVmDirectoryName(vm)}.bar`);
}

/**
 * Writes the register block of a VM atomically. A hypervisor that has mapped the previous file
 * keeps it until its VM restarts.
 *
 * @param qemuUid The user of QEMU, which needs to write to the file; the user becomes its owner,
 *   and stays so when the superuser rewrites the block. The directory then gets execute permission
 *   for all users.
 * @throws MediatorError `STATE_DIR_UNUSABLE`.
 */
export function writeDeviceFile(stateDir: string, identity: Identity, qemuUid?: number): string {
  const path = deviceFileOf(stateDir, identity.vm);
  const block = encodeRegisterBlock(identity);
  try {
    if (makeDirectory(dirname(path), 0o700)) {
      const { uid, gid } = ownerFor(stateDir);
      chownSync(dirname(path), uid, gid);
    }
    if (qemuUid !== undefined) chmodSync(dirname(path), 0o711);
    replaceFile(path, block, qemuUid ?? ownerOf(path));
    syncDirectory(dirname(path));
  } catch (cause) {
    if (errnoOf(cause) === undefined) throw cause;
    const reason = (cause as Error).message;
    throw new MediatorError('STATE_DIR_UNUSABLE', `cannot write ${path}: ${reason}`, { cause });
  }
  return path;
}

/**
 * Removes the register block of a VM, if it exists. A hypervisor that has mapped it keeps it until
 * its VM ends.
 *
 * @throws MediatorError `STATE_DIR_UNUSABLE`.
 */
export function removeDeviceFile(stateDir: string, vm: number): void {
  const path = deviceFileOf(stateDir, vm);
  try {
    const isRemoved = tolerate(['ENOENT'], () => (unlinkSync(path), true));
    if (isRemoved === true) syncDirectory(dirname(path));
  } catch (cause) {
    if (errnoOf(cause) === undefined) throw cause;
    const reason = (cause as Error).message;
    throw new MediatorError('STATE_DIR_UNUSABLE', `cannot remove ${path}: ${reason}`, { cause });
  }
}

/** The owner of the previous block, which the superuser keeps for the same QEMU. */
function ownerOf(path: string): number | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  return tolerate(['ENOENT'], () => lstatSync(path).uid);
}

/**
 * The problem of the register block of a VM; undefined if there is none, or if this user cannot
 * read the block.
 */
export function problemOfDeviceFile(stateDir: string, identity: Identity): string | undefined {
  const path = deviceFileOf(stateDir, identity.vm);
  try {
    const block = readFileSync(path);
    return block.equals(encodeRegisterBlock(identity))
      ? undefined
      : `${path} differs from the registration of VM ${identity.vm}`;
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    return code === 'EACCES' ? undefined : `cannot read ${path}: ${(error as Error).message}`;
  }
}
