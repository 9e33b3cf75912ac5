// A million requests on disk when the mediator starts: how soon it serves, and whether the cost of a request
// and the memory stay the same until the last one.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { rounded } from './lib/measured.mjs';
import { cpuSeconds, peakMiB } from './lib/process-figures.mjs';
import { withRoot } from './lib/spool-root.mjs';
import { servedBy } from './mediator.mjs';

const VMS = 1000;
/** For each VM; `VGPU_BACKLOG` sets another total. */
const REQUESTS = Math.ceil(Number(process.env['VGPU_BACKLOG'] ?? 1_000_000) / VMS);
const PARTS = 10;
const LOOK_EVERY_MS = 20;

/** @returns {Promise<import('./lib/measured.mjs').Measured>} */
export function measureBacklog() {
  return withRoot(VMS, async (root) => {
    fill(root);
    const started = performance.now();
    return servedBy(root, (pid, answered) => follow(pid, answered, started), { isWaiting: false });
  });
}

/** Random priorities, and ids that no directory lists in order. */
function fill(/** @type {string} */ root) {
  for (let index = 0; index < REQUESTS; index += 1) {
    for (let vm = 1; vm <= VMS; vm += 1) {
      const priority = Math.floor(3 * Math.random());
      const name = `request-${Math.random().toString(36).slice(2)}-${index}.txt`;
      writeFileSync(join(root, `vm${vm}`, name), `A:${priority}:${vm}:${index}:1\n`);
    }
  }
}

/**
 * @param {number} pid
 * @param {() => number} answered how many so far
 * @param {number} started
 * @returns {Promise<import('./lib/measured.mjs').Measured>}
 */
async function follow(pid, answered, started) {
  const total = VMS * REQUESTS;
  let firstMs = NaN;
  let last = { answered: 0, cpu: 0, at: started };
  /** @type {Record<string, string | number>[]} */
  const rows = [];
  /** @type {number[]} */
  const costs = [];
  while (last.answered < total) {
    await sleep(LOOK_EVERY_MS);
    const now = { answered: answered(), cpu: cpuSeconds(pid), at: performance.now() };
    if (Number.isNaN(firstMs) && now.answered > 0) {
      firstMs = now.at - started;
      // The cost of the start is not part of the cost of a request.
      last = now;
    }
    if (now.answered < Math.min(total, last.answered + total / PARTS)) continue;
    const count = now.answered - last.answered;
    costs.push((1e6 * (now.cpu - last.cpu)) / count);
    rows.push({
      'answered in all': now.answered,
      'CPU us each': rounded(costs.at(-1) ?? NaN),
      'requests/s': rounded(count / ((now.at - last.at) / 1000)),
      'peak MiB': Math.round(peakMiB(pid)),
    });
    last = now;
  }
  return {
    tables: [{ title: `${total} requests of ${VMS} VMs on disk at the start`, rows }],
    ratios: [
      { name: 'first answer, seconds', value: firstMs / 1000, better: 'lower', target: 2 },
      {
        name: 'CPU of a request, dearest tenth times cheapest',
        value: Math.max(...costs) / Math.min(...costs),
        better: 'lower',
        target: 1.2,
      },
      { name: 'peak memory, MiB', value: peakMiB(pid), better: 'lower', target: 286 },
    ],
  };
}
