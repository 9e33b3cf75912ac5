import { resolve } from 'node:path';
import { encodeRegisterBlock, type Identity, priorityName } from '@vgpu/protocol';
import { MediatorError } from '../mediator-error.js';
import type { Registration } from '../state/registration.js';
import { Registry } from '../state/registry.js';
import { makeRoot, requireElsewhere } from '../state/root-directory.js';
import { writeDeviceFile } from './device-file.js';
import { makeStateDir } from './make-state-dir.js';
import { registered } from './registered.js';
import { whileRegistryIsLocked } from './registry-lock.js';
import { makeVmDirectory, vmDirectoryOf } from './vm-directories.js';

/** Where {@link addVm} puts what it makes, and whose that is. */
export interface AddVmOptions {
  /** Holds the VM directories; created if there is none. */
  readonly root: string;
  /** The mediator's own directory, which no VM may reach; created if there is none. */
  readonly stateDir: string;
  /** The group of the VM, to which its directory is given. Default: whatever it has. */
  readonly gid?: number | undefined;
  /** The user as whom QEMU runs, to whom the register block is given. Default: as in {@link addVm}. */
  readonly qemuUid?: number | undefined;
  /** Whether a VM that is registered gets another pool and priority. Default: that is refused. */
  readonly replace?: boolean | undefined;
}

/** What a VM has on its host. */
export interface AddedVm {
  /** The path of the directory for its requests. */
  readonly directory: string;
  /** Whether that directory was made by this call. */
  readonly isNewDirectory: boolean;
  /** The file with its register block. */
  readonly deviceFile: string;
  /** What is registered now. */
  readonly registration: Registration;
}

/**
 * Registers a VM, with a directory for its requests (mode 2770) and its register block (mode 0600).
 * What root makes belongs to the owner of the root and of the state directory. The registration is
 * the last step: if one fails, or the process is killed, the same call does what is left. With
 * `replace`, a VM keeps its limits, and one that is suspended stays so. Several processes may add VMs at once.
 *
 * @param identity Which VM, and what it is to be.
 * @param options Where, and for whom.
 * @throws ProtocolError `BAD_REGISTERS`: there is no such VM, pool or priority.
 * @throws MediatorError `ALREADY_REGISTERED`, `INVALID_CONFIG` (the state directory is within the
 *   root), `ROOT_UNUSABLE`, `STATE_DIR_UNUSABLE`, `INVALID_REGISTRY` or `VM_DIRECTORY_UNUSABLE`.
 */
export function addVm(identity: Identity, options: AddVmOptions): AddedVm {
  const [root, stateDir] = [resolve(options.root), resolve(options.stateDir)];
  const { vm, pool, priority } = identity;
  // Before anything is made.
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
    `VM ${vm} is registered already: pool ${pool}, priority ${priorityName(priority)}; to change ` +
      'that, give --replace',
  );
}
