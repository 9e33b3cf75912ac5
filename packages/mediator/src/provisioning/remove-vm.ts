import { resolve } from 'node:path';
import { Registry } from '../state/registry.js';
import { removeDeviceFile } from './device-file.js';
import { registered } from './set-vm.js';
import { whileRegistryIsLocked } from './registry-lock.js';

/**
 * Removes a VM from the registry, with its register block. Its directory stays, with its contents
 * (see `removeVmDirectory`): while it exists, a mediator without `requireRegistration` serves the
 * VM by its claims. The registration is removed first, since a leftover block harms less than a
 * registered VM without one.
 *
 * @param vm Its number, 1 to 4294967295.
 * @param stateDir The mediator's own directory.
 * @throws MediatorError `NOT_REGISTERED`, `INVALID_REGISTRY` or `STATE_DIR_UNUSABLE`.
 */
export function removeVm(vm: number, stateDir: string): void {
  const path = resolve(stateDir);
  // Without a state directory there is nothing to lock.
  registered(new Registry(path), vm);
  whileRegistryIsLocked(path, () => {
    const registry = new Registry(path);
    registered(registry, vm);
    registry.remove(vm);
    removeDeviceFile(path, vm);
  });
}
