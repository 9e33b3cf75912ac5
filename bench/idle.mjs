// The cost of an idle mediator, and whether a request in one of many idle directories gets its response as
// fast as in one of few.
import { setTimeout as sleep } from 'node:timers/promises';
import { VgpuClient } from '@vgpu/vm-client';
import { median, rounded } from './lib/measured.mjs';
import { cpuSeconds, residentMiB } from './lib/process-figures.mjs';
import { withMediator } from './mediator.mjs';

const VM_COUNTS = [0, 10, 100, 10_000];
/** In this time V8 cleans up after the start: 20 ms after 7 s, then less and less until 45 s. */
const SETTLE_MS = 50_000;
const SECONDS = 30;
const REQUESTS = 500;
const WARM_UP = 100;
/** The pause of a client that sends a request now and then. */
const PAUSE_MS = 5;

/** @returns {Promise<import('./lib/measured.mjs').Measured>} */
export async function measureIdle() {
  const rows = [];
  /** @type {Record<number, { share: number, us: number }>} */
  const measured = {};
  for (const vms of VM_COUNTS) {
    const { share, us, memoryMiB } = await withMediator(vms, async (root, pid) => {
      await sleep(SETTLE_MS);
      const before = cpuSeconds(pid);
      await sleep(1000 * SECONDS);
      const share = (100 * (cpuSeconds(pid) - before)) / SECONDS;
      const us = vms === 0 ? NaN : median(await roundTrips(root, Math.ceil(vms / 2)));
      return { share, us, memoryMiB: residentMiB(pid) };
    });
    measured[vms] = { share, us };
    rows.push({
      'VM directories': vms,
      '% of a core': rounded(share, 2),
      'p50 us': vms === 0 ? '' : rounded(us),
      MiB: Math.round(memoryMiB),
    });
  }
  const of = (/** @type {number} */ vms) => measured[vms] ?? { share: NaN, us: NaN };
  return {
    tables: [{ title: 'Nothing to do, and then one request now and then', rows }],
    ratios: [
      { name: '100 VMs, % of a core', value: of(100).share, better: 'lower', target: 0.1 },
      { name: '10 000 VMs, % of a core', value: of(10_000).share, better: 'lower', target: 1 },
      {
        name: 'p50 among 10 000, times among 10',
        value: of(10_000).us / of(10).us,
        better: 'lower',
        target: 1.1,
      },
    ],
  };
}

/** @param {string} root @param {number} vmId @returns {Promise<number[]>} microseconds each */
async function roundTrips(root, vmId) {
  const client = new VgpuClient({ root, vmId });
  const times = [];
  for (let index = 0; index < WARM_UP + REQUESTS; index += 1) {
    await sleep(PAUSE_MS);
    const started = performance.now();
    await client.add(index, 1);
    if (index >= WARM_UP) times.push(1000 * (performance.now() - started));
  }
  await client.close();
  return times;
}
