import { MediatorError } from '../mediator-error.js';
import type { Registration } from '../state/registration.js';
import type { Registry } from '../state/registry.js';

/** The registration of a VM. @throws MediatorError `NOT_REGISTERED`. */
export function registered(registry: Registry, vm: number): Registration {
  const registration = registry.get(vm);
  if (registration !== undefined) return registration;
  throw new MediatorError(
    'NOT_REGISTERED',
    `VM ${vm} is not registered; vgpu-mediator vm list prints those that are, and vgpu-mediator vm add ` +
      `${vm} --pool A --priority medium registers it`,
  );
}
