import { resolve } from 'node:path';
import { Registry } from '../state/registry.js';
import { removeDeviceFile } from './device-file.js';
import { registered } from './registered.js';
import { whileRegistryIsLocked } from './registry-lock.js';

/**
 * Takes a VM out of the registry, and removes its register block. Its directory and all that is in it
 * stays (see `removeVmDirectory`): as long as it is there, a mediator without `requireRegistration`
 * serves the VM by what it claims. The registration goes first, since a VM without its block is worse
 * off than a block without its VM.
 *
 * @param vm Its number, 1 to 4294967295.
 * @param stateDir The mediator's own directory.
 * @throws MediatorError `NOT_REGISTERED`, `INVALID_REGISTRY` or `STATE_DIR_UNUSABLE`.
 */
export function removeVm(vm: number, stateDir: string): void {
  const path = resolve(stateDir);
  // There may be no state directory to lock.
  registered(new Registry(path), vm);
  whileRegistryIsLocked(path, () => {
    const registry = new Registry(path);
    registered(registry, vm);
    registry.remove(vm);
    removeDeviceFile(path, vm);
  });
}
