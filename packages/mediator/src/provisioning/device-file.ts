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
 * Writes the register block of a VM, as a whole or not at all. A hypervisor that has the file of
 * before mapped keeps that one until its VM is started anew.
 *
 * @param qemuUid The user as whom QEMU runs, who must be able to write to it; it gets the file, and
 *   keeps it when root writes the block anew. The directory then lets pass whoever knows a name in it.
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
 * Removes the register block of a VM, if there is one. A hypervisor that has it mapped keeps it until its
 * VM ends.
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

/** The user to whom root gave a block: the next one is for the same QEMU. */
function ownerOf(path: string): number | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  return tolerate(['ENOENT'], () => lstatSync(path).uid);
}

/** What is wrong with the register block of a VM; undefined if nothing is, or if nobody may look. */
export function problemOfDeviceFile(stateDir: string, identity: Identity): string | undefined {
  const path = deviceFileOf(stateDir, identity.vm);
  try {
    const block = readFileSync(path);
    return block.equals(encodeRegisterBlock(identity))
      ? undefined
      : `${path} does not hold what the registry says of VM ${identity.vm}`;
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    return code === 'EACCES' ? undefined : `cannot read ${path}: ${(error as Error).message}`;
  }
}
