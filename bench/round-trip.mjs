import { VgpuClient } from '@vgpu/vm-client';
import { quantile } from './lib/measured.mjs';
import { withMediator } from './mediator.mjs';

const WARM_UP = 500;
const REQUESTS = 3000;

/** One request after the other: client library here, mediator in another process. */
export async function measureRoundTrip() {
  const microseconds = await withMediator([1], async (root) => {
    const client = new VgpuClient({ root, vmId: 1 });
    const times = [];
    for (let index = 0; index < WARM_UP + REQUESTS; index += 1) {
      const started = performance.now();
      await client.add(index, 1);
      if (index >= WARM_UP) times.push(1000 * (performance.now() - started));
    }
    await client.close();
    return times;
  });
  const us = (/** @type {number} */ share) => Math.round(quantile(microseconds, share));
  const row = { requests: REQUESTS, 'p50 us': us(0.5), 'p90 us': us(0.9), 'p99 us': us(0.99) };
  return { tables: [{ title: 'One request after the other', rows: [row] }], ratios: [] };
}
