// Runs in a guest: `requests.mjs <count> together|one-by-one|plain|files` has sums computed by the
// library (all at once, one after the other, or that in the plain slot), and prints how many were wrong
// and how long they took, in milliseconds. `files` does only what the library does to files, with no
// mediator to wait for: the floor.
import fs from 'node:fs/promises';
import { readIdentity, VgpuClient } from '@vgpu/vm-client';

const [count = '1', manner = 'together'] = process.argv.slice(2);
const { vm: vmId, pool, priority } = readIdentity();
const client = new VgpuClient({
  ...{ root: '/mnt/vgpu', vmId, pool, priority },
  ...{ timeoutMs: 180_000, plain: manner === 'plain' },
});

/** @type {number[]} */
const times = [];
/** @type {string[]} */
const wrong = [];

async function add(/** @type {number} */ index) {
  const start = performance.now();
  try {
    const sum = await client.add(index, 1_000_000);
    if (sum !== index + 1_000_000) wrong.push(`${index}: ${sum}`);
  } catch (error) {
    wrong.push(`${index}: ${String(error)}`);
  }
  times.push(performance.now() - start);
}

async function touchFiles(/** @type {number} */ index) {
  const at = (/** @type {string} */ name) => `/mnt/vgpu/vm${vmId}/${name}-${index}`;
  const start = performance.now();
  await fs.writeFile(at('floor-answer'), '', { flag: 'wx' });
  await fs.writeFile(at('.floor-request'), `${pool}:${priority}:${vmId}:${index}:1\n`);
  await fs.rename(at('.floor-request'), at('floor-request'));
  await fs.readFile(at('floor-answer'));
  await fs.unlink(at('floor-answer'));
  times.push(performance.now() - start);
  await fs.unlink(at('floor-request'));
}

const indices = Array.from({ length: Number(count) }, (_, index) => index);
const act = manner === 'files' ? touchFiles : add;
if (manner === 'together') await Promise.all(indices.map(act));
else for (const index of indices) await act(index);
await client.close();

times.sort((a, b) => a - b);
const round = (/** @type {number | undefined} */ ms) => Math.round((ms ?? NaN) * 10) / 10;
const medianMs = round(times[Math.floor(times.length / 2)]);
console.log(JSON.stringify({ count: times.length, wrong, medianMs, maxMs: round(times.at(-1)) }));
