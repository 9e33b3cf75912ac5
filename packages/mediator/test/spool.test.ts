/** All VM directories together: which of them a sweep looks at. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { FakeFs } from './support/fake-fs.js';

const fakeFs = new FakeFs();
const { Spool } = await import('../src/spool/spool.js');

const VMS = 200;
const PER_SWEEP = 16;
const SWEEPS = Math.ceil(VMS / PER_SWEEP);
/** Old enough that the directories' times can be trusted. */
const LONG_AGO = new Date(Date.now() - 60_000);

let root: string;
let spool: InstanceType<typeof Spool>;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vgpu-spool-'));
  for (let vm = 1; vm <= VMS; vm += 1) {
    mkdirSync(join(root, `vm${vm}`));
    utimesSync(join(root, `vm${vm}`), LONG_AGO, LONG_AGO);
  }
  utimesSync(root, LONG_AGO, LONG_AGO);
  const ignore = () => undefined;
  spool = new Spool({
    root,
    isCrowded: () => false,
    maxQueuedPerVm: () => 64,
    settleMs: () => 0,
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    onRootReplaced: ignore,
    onWork: ignore,
    onGone: ignore,
  });
  spool.open();
});

afterEach(() => {
  fakeFs.restore();
  void spool.close();
  rmSync(root, { recursive: true });
});

/** Looks at all that there is to look at. */
function work(): void {
  while (spool.hasWork) {
    spool.beginTurn();
    spool.serve((vm) => vm.take().cost + 1);
  }
}

/** The VMs whose directories a sweep looks at. */
function swept(): Set<string> {
  const names = new Set<string>();
  fakeFs.intercept(({ name, args, proceed }) => {
    const [, vm] = /\/(vm\d+)$/.exec(String(args[0])) ?? [];
    if (name === 'lstatSync' && vm !== undefined) names.add(vm);
    return proceed();
  });
  spool.sweep();
  fakeFs.restore();
  work();
  return names;
}

test('a sweep looks at some of the quiet directories, and some sweeps at all of them', () => {
  work();
  // Now all are known.
  for (let sweep = 0; sweep < 4; sweep += 1) swept();
  const all = new Set<string>();
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const some = swept();
    expect(some.size).toBeLessThanOrEqual(PER_SWEEP);
    for (const vm of some) all.add(vm);
  }
  expect(all.size).toBe(VMS);
});

test('every sweep looks at those in which something is going on', async () => {
  work();
  for (let sweep = 0; sweep < 4; sweep += 1) swept();
  writeFileSync(join(root, 'vm7', 'request-x.txt'), 'A:1:7:1:2');
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (let sweep = 0; sweep < 4; sweep += 1) expect([...swept()]).toContain('vm7');
});
