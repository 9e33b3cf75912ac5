import { VgpuClient } from '@vgpu/vm-client';
import { withMediator } from './mediator.mjs';

const IN_FLIGHT = 8;
const SECONDS = 4;

/** Requests per second with several VMs that keep 8 requests in flight each. */
export async function measureThroughput() {
  const rows = [];
  for (const count of [1, 10, 30]) {
    const vms = Array.from({ length: count }, (_, index) => index + 1);
    const perSecond = await withMediator(vms, async (root) => {
      const clients = vms.map((vmId) => new VgpuClient({ root, vmId }));
      const started = performance.now();
      let answered = 0;
      const loops = clients.flatMap((client) =>
        Array.from({ length: IN_FLIGHT }, async () => {
          while (performance.now() - started < 1000 * SECONDS) {
            await client.add(answered, 1);
            answered += 1;
          }
        }),
      );
      await Promise.all(loops);
      const seconds = (performance.now() - started) / 1000;
      for (const client of clients) await client.close();
      return answered / seconds;
    });
    rows.push({ VMs: count, 'in flight': count * IN_FLIGHT, 'requests/s': Math.round(perSecond) });
  }
  return { tables: [{ title: 'Requests per second', rows }], ratios: [] };
}
