// The VMs of these tests: who each one is, and how the host tells it from the others.

/**
 * @typedef {object} Vm
 * @property {number} id
 * @property {'A' | 'B'} pool
 * @property {0 | 1 | 2} priority
 * @property {'stub' | 'ivshmem'} device which virtual PCI device carries its registers
 * @property {string} address from which its NFS traffic comes: the export is for this one only
 * @property {number} uid the user, and the group, that it is on the host
 */

/** @type {(vm: Pick<Vm, 'id' | 'pool' | 'priority' | 'device'>) => Vm} */
const vm = (identity) => ({
  ...identity,
  address: `127.0.0.${100 + identity.id}`,
  uid: 60_000 + identity.id,
});

export const VM_1 = vm({ id: 1, pool: 'A', priority: 2, device: 'stub' });
export const VM_2 = vm({ id: 2, pool: 'A', priority: 1, device: 'stub' });
export const VM_4 = vm({ id: 4, pool: 'B', priority: 2, device: 'ivshmem' });
export const VMS = [VM_1, VM_2, VM_4];

/** The user that the mediator runs as; it owns the root and nothing else. */
export const MEDIATOR_USER = 60_000;
