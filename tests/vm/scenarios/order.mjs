// The plan's example: VM-1 (A, high), VM-4 (B, high), and VM-2 (A, medium), which is sent while the
// device is busy, are served in the order 1, 4, 2.
import { deepEqual, equal, ok } from 'node:assert/strict';
import { until } from '../processes.mjs';

/**
 * The time for which the device is busy with each request, in milliseconds: longer than two emulated guests take
 * to start their clients. Where the host is so busy that they take longer, it is played again.
 */
const DELAYS_MS = [7000, 25_000];

/** @param {import('../world.mjs').World} world */
export async function order(world) {
  const { report, mediator } = world;
  await report.check('high before medium, pools equal: VM-1, VM-4, VM-2', async () => {
    try {
      for (const delayMs of DELAYS_MS) {
        const { haveMet, served } = await play(world, delayMs);
        if (!haveMet) continue;
        equal(served, '1,4,2');
        return;
      }
      throw new Error('the device was never busy when VM-2 and VM-4 had sent their requests');
    } finally {
      await mediator.stop();
      await mediator.start();
    }
  });
}

/**
 * @param {import('../world.mjs').World} world
 * @param {number} delayMs
 * @returns {Promise<{ haveMet: boolean, served: string }>} whether VM-2 and VM-4 came while VM-1 was
 *   on the device, and in which order the VMs were served, as the log has it
 */
async function play({ guests, mediator }, delayMs) {
  const [vm1, vm2, vm4] = guests;
  ok(vm1 && vm2 && vm4);
  await mediator.stop();
  await mediator.start('--cpu-delay', String(delayMs), '--exec-limit', String(2 * delayMs));
  const since = mediator.log.length;
  const ask = (/** @type {import('../guest.mjs').Guest} */ guest, /** @type {string} */ operands) =>
    guest.shell(`vgpu-vm-client ${operands} --timeout 120000`);
  const first = ask(vm1, '100 200');
  await until(() => mediator.logged('request on the device', 1, since).length > 0, 'VM-1');
  const printed = await Promise.all([first, ask(vm4, '150 250'), ask(vm2, '50 75')]);
  deepEqual(
    printed.map(({ status, stdout }) => [status, stdout]),
    [300, 400, 125].map((sum) => [0, `${sum}\n`]),
  );
  const isServed = () => mediator.logged('request finished', undefined, since).length === 3;
  await until(isServed, 'the log lines, which may come after the answers');
  const log = mediator.log.slice(since);
  const at = (/** @type {string} */ message, /** @type {number} */ vm) =>
    log.findIndex((line) => line.message === message && line.vm === vm);
  return {
    haveMet: [2, 4].every((vm) => at('request queued', vm) < at('request finished', 1)),
    served: mediator
      .logged('request finished', undefined, since)
      .map(({ vm }) => vm)
      .join(),
  };
}
