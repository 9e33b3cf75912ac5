// What a guest sees of its virtual PCI device.
import { equal, match } from 'node:assert/strict';

/** Vendor, device, class and the size of the BAR with the registers, as sysfs has them. */
const EXPECTED = {
  stub: { id: '0x1af4 0x1111', class: '0x120000', bar: 'resource0', size: 4096 },
  ivshmem: { id: '0x1af4 0x1110', class: '0x050000', bar: 'resource2', size: 4096 },
};

/** @param {import('../world.mjs').World} world */
export async function devices({ report, guests }) {
  for (const guest of guests) {
    const { id, device } = guest.vm;
    const expected = EXPECTED[device];
    await report.check(`VM-${id} has the ${device} device, with a BAR of 4 KiB`, async () => {
      const path = await devicePath(guest);
      const { stdout } = await guest.shell(
        `cd ${path}; cat vendor device class; stat -c %s ${expected.bar}; uname -rm`,
      );
      const [vendor, number, type, size, kernel] = stdout.trim().split('\n');
      equal(`${vendor} ${number}`, expected.id);
      equal(type, expected.class);
      equal(Number(size), expected.size);
      match(kernel ?? '', /^\d+\.\d+.* x86_64$/);
    });
    await report.check(
      `VM-${id} finds its number, pool and priority in the registers`,
      async () => {
        const { id: vm, pool, priority } = guest.vm;
        const words = await readRegisters(guest);
        equal(JSON.stringify(words), JSON.stringify([pool.charCodeAt(0), priority, vm]));
      },
    );
  }
}

/**
 * The folder of the VM's device in the guest's sysfs.
 *
 * @param {import('../guest.mjs').Guest} guest
 */
export async function devicePath(guest) {
  const [vendor, device] = EXPECTED[guest.vm.device].id.split(' ');
  const { stdout } = await guest.shell(
    `cd /sys/bus/pci/devices; for d in *; do ` +
      `[ "$(cat $d/vendor) $(cat $d/device)" = "${vendor} ${device}" ] && echo $PWD/$d; done`,
  );
  const [path = '', ...others] = stdout.trim().split('\n');
  equal(others.length, 0, `one device with the VM's registers: ${stdout}`);
  match(path, /^\/sys/);
  return path;
}

/**
 * POOL_ID, PRIORITY and VM_ID as a load instruction of the guest gives them.
 *
 * @param {import('../guest.mjs').Guest} guest
 */
export async function readRegisters(guest) {
  const base = await barAddress(guest);
  const loads = [0x008, 0x00c, 0x010].map((offset) => `devmem $((${base} + ${offset})) 32`);
  const { stdout, stderr, status } = await guest.shell(loads.join(' && '));
  equal(status, 0, stderr);
  return stdout.trim().split('\n').map(Number);
}

/**
 * The address of the registers in the guest's memory. Switches memory decoding on.
 *
 * @param {import('../guest.mjs').Guest} guest
 */
export async function barAddress(guest) {
  const path = await devicePath(guest);
  const line = Number(EXPECTED[guest.vm.device].bar.slice(-1)) + 1;
  const { stdout } = await guest.shell(`cd ${path}; echo 1 >enable; sed -n ${line}p resource`);
  return stdout.trim().split(' ')[0] ?? '';
}
