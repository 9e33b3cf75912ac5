// Requests per second with many VMs that keep several requests in flight each.
import { VgpuClient } from '@vgpu/vm-client';
import { MISSING, withBullmq } from './lib/bullmq.mjs';
import { askInC, withFloor } from './lib/floor.mjs';
import { byTurns, median, medianRatio, rounded } from './lib/measured.mjs';
import { cpuSeconds, residentMiB } from './lib/process-figures.mjs';
import { withRoot } from './lib/spool-root.mjs';
import { withMediator } from './mediator.mjs';

const IN_FLIGHT = 8;
const MANY = 30;
const VM_COUNTS = [1, 10, MANY, 100, 1000];
const SECONDS = 3;
const ROUNDS = 5;
const ROUNDS_BY_VMS = 3;
/** This number of requests takes the floor about as long. */
const OF_FLOOR = 30_000;

/** @typedef {'floor' | 'ours' | 'C client' | 'BullMQ'} Way */

/** @typedef {{ rate: number, cpuUs: number, memoryMiB: number }} Load */

/** @returns {Promise<import('./lib/measured.mjs').Measured>} */
export async function measureThroughput() {
  /** @type {Map<number, Load[]>} */
  const loads = new Map(VM_COUNTS.map((vms) => [vms, []]));
  for (let round = 0; round < ROUNDS_BY_VMS; round += 1) {
    for (const [vms, measured] of loads) measured.push(await measureLoad(vms));
  }
  const of = (/** @type {number} */ vms, /** @type {keyof Load} */ figure) =>
    (loads.get(vms) ?? []).map((load) => load[figure]);
  const rows = VM_COUNTS.map((vms) => ({
    VMs: vms,
    'in flight': vms * IN_FLIGHT,
    'requests/s': rounded(median(of(vms, 'rate'))),
    'CPU us each': rounded(median(of(vms, 'cpuUs'))),
    'mediator MiB': Math.round(median(of(vms, 'memoryMiB'))),
  }));
  const { figures, others } = await againstPeers();
  const ofMany = medianRatio(of(1000, 'rate'), of(MANY, 'rate'));
  return {
    tables: [
      { title: 'Client library and mediator, 8 requests in flight each', rows },
      { title: `${MANY} VMs, 8 requests in flight each`, rows: others.rows },
    ],
    ratios: [
      ...others.ratios,
      { name: '1000 VMs, times 30 VMs', value: ofMany, better: 'higher', target: 0.8 },
    ],
    figures,
  };
}

/** @param {number} vms @returns {Promise<Load>} */
function measureLoad(vms) {
  return withMediator(vms, async (root, pid) => {
    // Warms up both programs.
    await byLibrary(root, vms);
    const before = cpuSeconds(pid);
    const rate = await byLibrary(root, vms);
    const cpuUs = (1e6 * (cpuSeconds(pid) - before)) / (rate * SECONDS);
    return { rate, cpuUs, memoryMiB: residentMiB(pid) };
  });
}

async function againstPeers() {
  const measured = await withBullmq((add) => byTurnsWith(add));
  if (measured === undefined) console.error(`BullMQ is not measured: ${MISSING}`);
  /** @type {Record<Way, number[]>} */
  const rates = measured ?? (await byTurnsWith());
  /** @type {Record<Way, string>} */
  const names = {
    floor: 'C, client and server',
    ours: 'vGPU Mediator, its library as client',
    'C client': 'vGPU Mediator, client in C',
    BullMQ: 'BullMQ',
  };
  const all = /** @type {Way[]} */ (Object.keys(names));
  const ways = all.filter((way) => rates[way].length > 0);
  const figure = (/** @type {Way} */ way) => median(rates[way]);
  const ratioTo = (/** @type {'floor' | 'BullMQ'} */ way, /** @type {number} */ target) => ({
    name: `30 VMs, times ${way === 'floor' ? 'C' : way}`,
    value: medianRatio(rates.ours, rates[way]),
    better: /** @type {const} */ ('higher'),
    target,
  });
  return {
    others: {
      rows: ways.map((way) => ({ way: names[way], 'requests/s': rounded(figure(way)) })),
      ratios: [ratioTo('floor', 1 / 3), ...(measured ? [ratioTo('BullMQ', 2.5)] : [])],
    },
    figures: [
      {
        title: 'Requests served with 240 in flight',
        unit: 'per second',
        bars: ways.map((way) => ({
          label: names[way],
          value: figure(way),
          isOurs: way === 'ours' || way === 'C client',
        })),
      },
    ],
  };
}

/**
 * @param {(a: number, b: number) => Promise<number>} [addByBullmq]
 * @returns {Promise<Record<Way, number[]>>}
 */
function byTurnsWith(addByBullmq) {
  const load = { vms: MANY, inFlight: IN_FLIGHT, requests: OF_FLOOR };
  return withRoot(MANY, (floorRoot) =>
    withFloor(floorRoot, MANY, () =>
      withMediator(MANY, (root) =>
        byTurns(
          {
            floor: async () => (await askInC(floorRoot, load)).perSecond,
            ours: () => byLibrary(root, MANY),
            'C client': async () => (await askInC(root, load)).perSecond,
            BullMQ:
              addByBullmq &&
              (() => ratePerSecond(MANY * IN_FLIGHT, (index) => addByBullmq(index, 1))),
          },
          ROUNDS,
        ),
      ),
    ),
  );
}

/** @param {string} root @param {number} vms */
async function byLibrary(root, vms) {
  const clients = Array.from(
    { length: vms },
    (_, index) => new VgpuClient({ root, vmId: index + 1 }),
  );
  const rate = await ratePerSecond(vms * IN_FLIGHT, (index) =>
    /** @type {VgpuClient} */ (clients[index % vms]).add(index, 1),
  );
  for (const client of clients) await client.close();
  return rate;
}

/**
 * @param {number} inFlight
 * @param {(index: number) => Promise<number>} add
 */
async function ratePerSecond(inFlight, add) {
  const started = performance.now();
  let answered = 0;
  const loops = Array.from({ length: inFlight }, async (_, loop) => {
    while (performance.now() - started < 1000 * SECONDS) {
      if ((await add(loop)) !== loop + 1) throw new Error('a wrong sum');
      answered += 1;
    }
  });
  await Promise.all(loops);
  return (1000 * answered) / (performance.now() - started);
}
