// What a guest sees of its virtual PCI device, and what the client reads from it.
import { deepEqual, equal, match, ok } from 'node:assert/strict';

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
        deepEqual(words, [pool.charCodeAt(0), priority, vm]);
      },
    );
    await report.check(
      `VM-${id}: the library reads who it is, by aligned 32-bit loads`,
      async () => {
        const { id: vm, pool, priority } = guest.vm;
        const before = { ...guest.device?.counts };
        const { stdout, stderr } = await guest.shell('node /app/identity.mjs 20');
        equal(stderr, '');
        const { identity, firstMs, medianMs } = /** @type {Reading} */ (JSON.parse(stdout));
        deepEqual(identity, { vm, pool, priority });
        equal(guest.device?.counts.oddReads, before.oddReads);
        equal(guest.device?.counts.writes, before.writes);
        report.note(`VM-${id}: read in ${firstMs} ms the first time, ${medianMs} ms after that`);
      },
    );
  }
  const [guest] = guests;
  ok(guest);
  await report.check('a user who is not root has to be let in, by a group', async () => {
    const request = 'node /app/as-user.mjs 1000 vgpu-vm-client 1 2';
    const refused = await guest.shell(request);
    equal(refused.status, 77, refused.stderr);
    match(refused.stderr, /udev/);
    const file = `${await devicePath(guest)}/${EXPECTED[guest.vm.device].bar}`;
    // What the udev rule that comes with the client does.
    await guest.shell(`chgrp 1000 ${file} && chmod 0440 ${file}`);
    const { status, stdout, stderr } = await guest.shell(request);
    await guest.shell(`chgrp 0 ${file} && chmod 0600 ${file}`);
    deepEqual({ status, stdout, stderr }, { status: 0, stdout: '3\n', stderr: '' });
  });
}

/**
 * What `identity.mjs` prints.
 *
 * @typedef {object} Reading
 * @property {import('@vgpu/protocol').Identity} identity
 * @property {number} firstMs
 * @property {number} medianMs
 */

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
