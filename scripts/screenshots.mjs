// `node scripts/screenshots.mjs [seconds] [folder]`: has a mediator serve a host full of VMs for that time
// (default 310, so that the queue's history is full), and takes pictures of its page in Chromium: both
// themes, on a desktop and on a phone.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Registry } from '@vgpu/mediator';
import { VgpuClient } from '@vgpu/vm-client';
import { chromium } from 'playwright-core';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const MEDIATOR = join(REPOSITORY, 'packages/mediator/bin/vgpu-mediator.js');
const [, , seconds = '310', folder = join(REPOSITORY, 'docs/images')] = process.argv;
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

const SIZES = { desktop: { width: 1280, height: 1120 }, phone: { width: 400, height: 1160 } };

/** @typedef {{ pool: 'A' | 'B', priority: 0 | 1 | 2, atOnce: number, pauseMs: number }} Load */

/** What each VM does; a longer pause makes room for others now and then. @type {Record<number, Load>} */
const LOADS = {
  1: { pool: 'A', priority: 2, atOnce: 1, pauseMs: 60 },
  2: { pool: 'A', priority: 2, atOnce: 2, pauseMs: 150 },
  3: { pool: 'B', priority: 2, atOnce: 1, pauseMs: 400 },
  4: { pool: 'A', priority: 1, atOnce: 4, pauseMs: 300 },
  5: { pool: 'B', priority: 1, atOnce: 6, pauseMs: 900 },
  6: { pool: 'B', priority: 1, atOnce: 3, pauseMs: 250 },
  7: { pool: 'A', priority: 0, atOnce: 12, pauseMs: 1500 },
  8: { pool: 'B', priority: 0, atOnce: 16, pauseMs: 3000 },
  9: { pool: 'B', priority: 0, atOnce: 5, pauseMs: 100 },
};
const SUSPENDED = 10;
const CARELESS = 11;

const base = mkdtempSync(join(tmpdir(), 'vgpu-pictures-'));
const root = join(base, 'vgpu');
const registry = new Registry(join(base, 'vgpu-state'));
for (const [vm, { pool, priority }] of Object.entries(LOADS)) {
  mkdirSync(join(root, `vm${vm}`), { recursive: true });
  registry.set(Number(vm), { pool, priority });
}
for (const vm of [SUSPENDED, CARELESS]) mkdirSync(join(root, `vm${vm}`));
registry.set(SUSPENDED, { pool: 'A', priority: 1, suspended: true });
registry.set(CARELESS, { pool: 'B', priority: 1 });

const flags = ['--backend', 'cpu', '--devices', '0,1', '--cpu-delay', '20', '--log-format', 'json'];
const mediator = spawn(
  process.execPath,
  [MEDIATOR, '--root', './vgpu', '--http', '127.0.0.1:0', ...flags],
  { cwd: base, stdio: ['ignore', 'ignore', 'pipe'] },
);
const ended = new AbortController();
try {
  const url = await urlOf(mediator.stderr);
  const loads = Object.entries(LOADS).map(([vm, load]) => play(Number(vm), load));
  const careless = makeMistakes();
  await takePictures(url);
  ended.abort();
  await Promise.all([...loads, careless]);
} finally {
  mediator.kill('SIGTERM');
  rmSync(base, { recursive: true, force: true });
}

/** @param {import('node:stream').Readable} log @returns {Promise<string>} where the page is */
function urlOf(log) {
  return new Promise((resolve) => {
    createInterface({ input: log }).on('line', (line) => {
      const { http } = JSON.parse(line);
      if (typeof http === 'string') resolve(http);
    });
  });
}

/** Sends requests, more and fewer by turns. */
async function play(
  /** @type {number} */ vmId,
  /** @type {Load} */ { atOnce, pauseMs, ...identity },
) {
  const client = new VgpuClient({ root, vmId, ...identity });
  for (let round = 0; !ended.signal.aborted; round += 1) {
    const many = Math.ceil(atOnce * (1 + Math.sin(round / (3 + vmId))));
    await Promise.allSettled(Array.from({ length: many }, (_, n) => client.add(round, n)));
    await sleep(pauseMs * (0.5 + Math.random()));
  }
  await client.close();
}

/** Writes an invalid request now and then. */
async function makeMistakes() {
  const lines = ['hello', 'A:2:11:1:two', 'B:1:11:1,2:3', 'B:high:11:1:2', 'B:1:7:1:2'];
  for (let n = 0; !ended.signal.aborted; n += 1) {
    const vm = n % 6 === 5 ? SUSPENDED : CARELESS;
    writeFileSync(join(root, `vm${vm}`, `request-job-${n}.txt`), `${lines[n % lines.length]}\n`);
    await sleep(7000);
  }
}

async function takePictures(/** @type {string} */ url) {
  mkdirSync(folder, { recursive: true });
  await sleep(1000 * Number(seconds));
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      const page = await browser.newPage({ viewport, colorScheme });
      await page.goto(url);
      await page.getByText('Live', { exact: true }).waitFor();
      // Rates cover the last seconds.
      await sleep(5500);
      const path = join(folder, `page-${colorScheme}${size === 'desktop' ? '' : `-${size}`}.png`);
      await page.screenshot({ path, fullPage: size === 'desktop' });
      await page.close();
    }
  }
  await browser.close();
}
