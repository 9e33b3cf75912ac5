import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { VgpuClient } from '@vgpu/vm-client';
import { ATTACKS, during } from './flood/during.mjs';
import { quantile } from './lib/measured.mjs';
import { withMediator } from './mediator.mjs';

const SECONDS = 4;
const WARM_UP = 300;

/**
 * Round trips of one VM while another one floods its own directory, next to what they are when
 * nobody does, and when as much is written elsewhere: the disk and the cores are shared, too.
 */
export async function measureFlood() {
  const rows = [];
  for (const attack of /** @type {(keyof typeof ATTACKS)[]} */ (Object.keys(ATTACKS))) {
    const [quiet, elsewhere, hit] = await withMediator(2, async (root) => {
      const outside = join(root, '..', 'outside');
      mkdirSync(outside);
      await roundTrips(root);
      const measure = () => roundTrips(root);
      return [
        await measure(),
        await during(attack, { directory: outside, vm: 2 }, measure),
        await during(attack, { directory: join(root, 'vm2'), vm: 2 }, measure),
      ];
    });
    const p99 = quantile(hit, 0.99);
    const allowed = Math.max(2 * quantile(quiet, 0.99), 5);
    rows.push({
      attack,
      'quiet p50 ms': ms(quantile(quiet, 0.5)),
      'quiet p99 ms': ms(quantile(quiet, 0.99)),
      'elsewhere p99 ms': ms(quantile(elsewhere, 0.99)),
      'attacked p50 ms': ms(quantile(hit, 0.5)),
      'attacked p99 ms': ms(p99),
      'attacked max ms': ms(quantile(hit, 1)),
      'round trips': hit.length,
      verdict: p99 <= allowed ? `at most ${ms(allowed)}` : `OVER ${ms(allowed)}`,
    });
  }
  return { tables: [{ title: 'Round trips beside a flood', rows }], ratios: [] };
}

/** @param {string} root @returns {Promise<number[]>} milliseconds each */
async function roundTrips(root) {
  const client = new VgpuClient({ root, vmId: 1, priority: 2 });
  const times = [];
  const end = performance.now() + 1000 * SECONDS;
  for (let index = 0; performance.now() < end; index += 1) {
    const started = performance.now();
    await client.add(index, 1);
    if (index >= WARM_UP) times.push(performance.now() - started);
  }
  await client.close();
  return times;
}

function ms(/** @type {number} */ value) {
  return Math.round(value * 1000) / 1000;
}
