/**
 * Whole histories: clients and a mediator on one directory, in an order that a seed decides, down to
 * the single system call, with kills and errors at any of them. See `histories/world.ts`.
 *
 * VGPU_HISTORIES says how many, VGPU_HISTORY_SEED where to begin: a history that failed is run again
 * with its seed and a count of 1. VGPU_HISTORY_SHOWN says how much of it is printed.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { amount } from '../../../tests/support/amount.js';
import { check } from './histories/check.js';
import { describeEvent } from './histories/history.js';
import { World } from './histories/world.js';
import { FakeFs } from './support/fake-fs.js';

const fakeFs = new FakeFs();
jest.unstable_mockModule('node:child_process', () => ({
  fork: () => undefined,
  execFile: () => undefined,
  // The lock: there is one process only.
  spawnSync: () => ({ status: 0, stderr: '' }),
}));
const { Mediator } = await import('../src/mediator.js');

const count = Number(process.env['VGPU_HISTORIES'] ?? amount(20, 300));
const firstSeed = Number(process.env['VGPU_HISTORY_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** Events before a violation that are shown. */
const SHOWN = Number(process.env['VGPU_HISTORY_SHOWN'] ?? 200);
/** In memory, where there is such a directory. */
const BASE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

test(`${count} histories from seed ${firstSeed}`, async () => {
  for (let seed = firstSeed; seed < firstSeed + count; seed += 1) {
    const base = mkdtempSync(join(BASE, 'vgpu-histories-'));
    try {
      const world = new World({ fakeFs, Mediator, base, seed });
      await world.run();
      const [violation] = check(world);
      if (violation !== undefined) throw new Error(explain(world, violation, seed));
    } finally {
      rmSync(base, { recursive: true });
    }
  }
  expect(count).toBeGreaterThan(0);
});

function explain(world: World, { at, what }: { at: number; what: string }, seed: number): string {
  const shown = world.history.slice(Math.max(0, at - SHOWN), at + 1).map(describeEvent);
  return [
    `${what}; after ${seed - firstSeed + 1} histories; again with ` +
      `VGPU_HISTORY_SEED=${seed} VGPU_HISTORIES=1`,
    JSON.stringify(world.plan),
    ...shown,
  ].join('\n');
}
