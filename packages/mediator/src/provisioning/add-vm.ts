import { resolve } from 'node:path';
import { encodeRegisterBlock, type Identity, priorityName } from '@vgpu/protocol';
import { MediatorError } from '../mediator-error.js';
import { type Registration, Registry } from '../state/registry.js';
import { makeRoot, requireElsewhere, makeStateDir } from '../state/directories.js';
import { writeDeviceFile } from './device-file.js';
import { registered } from './set-vm.js';
import { whileRegistryIsLocked } from './registry-lock.js';
import { makeVmDirectory, vmDirectoryOf } from './vm-directories.js';

/** The directories of {@link addVm}, and the owners of the files that it creates. */
export interface AddVmOptions {
  /** The directory that holds the VM directories; created if it does not exist. */
  readonly root: string;
  /** The mediator's own directory, which no VM may reach; created if it does not exist. */
  readonly stateDir: string;
  /** The group of the VM, which its directory gets. Default: unchanged. */
  readonly gid?: number | undefined;
  /** The user of QEMU, who becomes the owner of the register block. Default: as in {@link addVm}. */
  readonly qemuUid?: number | undefined;
  /** Whether a registered VM gets the new pool and priority. Default: false, an error. */
  readonly replace?: boolean | undefined;
}

/** A registered VM with its files. */
export interface AddedVm {
  /** The path of the directory for its requests. */
  readonly directory: string;
  /** Whether this call created that directory. */
  readonly isNewDirectory: boolean;
  /** The file with its register block. */
  readonly deviceFile: string;
  /** The new registration. */
  readonly registration: Registration;
}

/**
 * Registers a VM, with a directory for its requests (mode 2770) and its register block (mode 0600).
 * Files that the superuser creates belong to the owner of the root directory and of the state
 * directory. The registration is the last step: after an error or a kill, the same call completes
 * the rest. With `replace`, a VM keeps its limits and stays suspended if it is. Several processes
 * may add VMs at the same time.
 *
 * @param identity The VM with its pool and priority.
 * @param options Directories and owners.
 * @throws ProtocolError `BAD_REGISTERS` if the VM, pool or priority is invalid.
 * @throws MediatorError `ALREADY_REGISTERED`, `INVALID_CONFIG` (the state directory is within the
 *   root), `ROOT_UNUSABLE`, `STATE_DIR_UNUSABLE`, `INVALID_REGISTRY` or `VM_DIRECTORY_UNUSABLE`.
 */
export function addVm(identity: Identity, options: AddVmOptions): AddedVm {
  const [root, stateDir] = [resolve(options.root), resolve(options.stateDir)];
  const { vm, pool, priority } = identity;
  // Checks the identity before any file is created.
  encodeRegisterBlock(identity);
  makeRoot(root);
  makeStateDir(stateDir);
  requireElsewhere(stateDir, root);
  return whileRegistryIsLocked(stateDir, () => {
    const registry = new Registry(stateDir);
    const existing = registry.get(vm);
    if (existing !== undefined && options.replace !== true) throw alreadyRegistered(vm, existing);
    const isNewDirectory = makeVmDirectory(root, vm, options.gid);
    const deviceFile = writeDeviceFile(stateDir, identity, options.qemuUid);
    registry.set(vm, { ...existing, pool, priority });
    const registration = registered(registry, vm);
    return { directory: vmDirectoryOf(root, vm), isNewDirectory, deviceFile, registration };
  });
}

function alreadyRegistered(vm: number, { pool, priority }: Registration): MediatorError {
  return new MediatorError(
    'ALREADY_REGISTERED',
    `VM ${vm} is already registered: pool ${pool}, priority ${priorityName(priority)}; to change it, use ` +
      '--replace',
  );
}
