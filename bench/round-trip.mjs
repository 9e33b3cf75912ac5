// One request after the other: the client library here, the mediator in another process.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VgpuClient } from '@vgpu/vm-client';
import { MISSING, withBullmq } from './lib/bullmq.mjs';
import { askInC, withFloor } from './lib/floor.mjs';
import { byTurns, median, medianRatio, quantile, rounded } from './lib/measured.mjs';
import { withRoot } from './lib/spool-root.mjs';
import { withMediator } from './mediator.mjs';

const ROUNDS = 20;
const WARM_UP = 100;
const REQUESTS = 500;
const OF_BULLMQ = 200;
/** A server that polls once a second, and a client that polls ten times a second. */
const POLLING = { requests: 12, serverMs: 1000, clientMs: 100 };

/** @typedef {'floor' | 'ours' | 'BullMQ'} Way */

/** @returns {Promise<import('./lib/measured.mjs').Measured>} */
export function measureRoundTrip() {
  return withRoot(1, (floorRoot) =>
    withFloor(floorRoot, 1, () =>
      withMediator(1, async (root) => {
        const client = new VgpuClient({ root, vmId: 1 });
        const measured = await withBullmq((add) => measure(floorRoot, client, add));
        if (measured === undefined) console.error(`BullMQ is not measured: ${MISSING}`);
        const result = measured ?? (await measure(floorRoot, client));
        await client.close();
        return result;
      }),
    ),
  );
}

/**
 * @param {string} floorRoot
 * @param {VgpuClient} client
 * @param {(a: number, b: number) => Promise<number>} [addByBullmq]
 */
async function measure(floorRoot, client, addByBullmq) {
  /** @type {Record<Way, number[]>} */
  const all = { floor: [], ours: [], BullMQ: [] };
  /** @param {Way} way @param {number[]} us */
  const taken = (way, us) => {
    all[way].push(...us);
    return median(us);
  };
  const ours = (/** @type {number} */ index) => client.add(index, 1);
  const medians = await byTurns(
    {
      floor: async () => {
        const load = { vms: 1, inFlight: 1, requests: WARM_UP + REQUESTS };
        return taken('floor', (await askInC(floorRoot, load)).us.slice(WARM_UP));
      },
      ours: async () => taken('ours', await oneAfterTheOther(ours, REQUESTS)),
      BullMQ:
        addByBullmq &&
        (async () =>
          taken('BullMQ', await oneAfterTheOther((index) => addByBullmq(index, 1), OF_BULLMQ))),
    },
    ROUNDS,
  );
  const polled = await withRoot(1, polling);
  const ratioTo = (/** @type {Way} */ way) => medianRatio(medians.ours, medians[way]);
  const p99 = (/** @type {Way} */ way) => quantile(all[way], 0.99);

  /** @param {string} way @param {number[]} us */
  const row = (way, us) => ({
    way,
    requests: us.length,
    'p50 us': rounded(quantile(us, 0.5)),
    'p90 us': rounded(quantile(us, 0.9)),
    'p99 us': rounded(quantile(us, 0.99)),
  });
  const names = { floor: 'C, the same file operations', ours: 'vGPU Mediator', BullMQ: 'BullMQ' };
  const ways = /** @type {Way[]} */ (Object.keys(medians)).filter((way) => all[way].length > 0);
  return {
    tables: [
      {
        title: 'One request after the other',
        rows: [
          ...ways.map((way) => row(names[way], all[way])),
          row('polling, 1 s and 100 ms', polled),
        ],
      },
    ],
    ratios: [
      ratio('p50, times C', ratioTo('floor'), 3),
      ratio('p99, times C', p99('ours') / p99('floor'), 6),
      ...(addByBullmq ? [ratio('p50, times BullMQ', ratioTo('BullMQ'), 1 / 4)] : []),
      ratio('p50, times polling', median(all.ours) / median(polled), 1 / 1000),
    ],
    figures: [
      {
        title: 'A request and its answer, median',
        unit: 'microseconds',
        bars: [
          ...ways.map((way) => ({
            label: names[way],
            value: median(all[way]),
            isOurs: way === 'ours',
          })),
          { label: 'polling, 1 s and 100 ms', value: median(polled) },
        ],
      },
    ],
  };
}

/** @param {string} name @param {number} value @param {number} target */
const ratio = (name, value, target) => ({
  name,
  value,
  better: /** @type {const} */ ('lower'),
  target,
});

/**
 * @param {(index: number) => Promise<number>} add gives index + 1
 * @param {number} count besides those to warm up
 * @returns {Promise<number[]>} microseconds each
 */
async function oneAfterTheOther(add, count) {
  const times = [];
  for (let index = 0; index < WARM_UP + count; index += 1) {
    const started = performance.now();
    if ((await add(index)) !== index + 1) throw new Error('a wrong sum');
    if (index >= WARM_UP) times.push(1000 * (performance.now() - started));
  }
  return times;
}

/** The plain slot, polled from both sides; the file operations are nothing beside that. */
async function polling(/** @type {string} */ root) {
  const [request, response] = ['request.txt', 'response.txt'].map((name) =>
    join(root, 'vm1', name),
  );
  if (!request || !response) throw new Error('unreachable');
  for (const path of [request, response]) writeFileSync(path, '');
  const server = setInterval(() => {
    const [, , , a, b] = readFileSync(request, 'utf8').split(':').map(Number);
    if (a === undefined || b === undefined) return;
    writeFileSync(response, String(a + b));
    writeFileSync(request, '');
  }, POLLING.serverMs);
  const times = [];
  for (let index = 0; index < POLLING.requests; index += 1) {
    // Not always at the same point of the server's second.
    await sleep(Math.random() * POLLING.serverMs);
    const started = performance.now();
    writeFileSync(request, `A:1:1:${index}:1`);
    while (readFileSync(response, 'utf8') === '') await sleep(POLLING.clientMs);
    writeFileSync(response, '');
    times.push(1000 * (performance.now() - started));
  }
  clearInterval(server);
  return times;
}
