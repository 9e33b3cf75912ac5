// Single requests by the command line program, and many at once by the library.
import { deepEqual, equal, ok } from 'node:assert/strict';
import { burst } from '../world.mjs';

/** @param {import('../world.mjs').World} world */
export async function requests({ report, guests, spool }) {
  const [, plain] = guests;
  ok(plain);
  for (const guest of guests) {
    const { id } = guest.vm;
    await report.check(`VM-${id}: vgpu-vm-client 100 200 prints 300`, async () => {
      const { status, stdout, stderr } = await guest.shell('vgpu-vm-client 100 200');
      deepEqual({ status, stdout, stderr }, { status: 0, stdout: '300\n', stderr: '' });
    });
  }
  await report.check('100 requests at once in every VM, all VMs at the same time', async () => {
    const outcomes = await Promise.all(guests.map((guest) => burst(guest, 100, 'together')));
    for (const [index, { count, wrong, medianMs, maxMs }] of outcomes.entries()) {
      report.note(
        `VM-${guests[index]?.vm.id}: ${count} at once: median ${medianMs} ms, longest ${maxMs} ms`,
      );
      deepEqual(wrong, []);
      equal(count, 100);
    }
  });
  await report.check('a shell in VM-2 that writes and polls the plain slot in place', async () => {
    const { stdout } = await plain.shell(
      `cd /mnt/vgpu/vm${plain.vm.id}; for i in $(seq 20); do : >response.txt; ` +
        `echo A:1:${plain.vm.id}:$i:1 >request.txt; ` +
        'until [ -s response.txt ]; do sleep 0.05; done; cat response.txt; done; rm response.txt',
    );
    const sums = Array.from({ length: 20 }, (_, index) => index + 2);
    deepEqual(stdout.trim().split('\n').map(Number), sums);
  });
  await report.check('nothing is left in the directories', () => {
    for (const { vm } of guests) deepEqual(spool.list(vm.id), []);
  });
}
