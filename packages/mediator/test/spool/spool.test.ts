/** All VM directories together: which of them a scan reads. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { FIRST_TURN, TURN } from '../../src/scheduling/cost.js';
import { DeficitRoundRobin } from '../../src/scheduling/deficit-round-robin.js';
import type { VmRequests } from '../../src/scheduling/request-source.js';
import { Events } from '../../src/events.js';
import type { Logger } from '../../src/telemetry/logger.js';
import { FakeFs } from '../support/fake-fs.js';
import { until } from '../support/until.js';

const fakeFs = new FakeFs();
const { Spool } = await import('../../src/spool/spool.js');

const VMS = 200;
const PER_SCAN = 16;
const SCANS = Math.ceil(VMS / PER_SCAN);
/** Old enough that the directories' times can be trusted. */
const LONG_AGO = new Date(Date.now() - 60_000);

let root: string;
let spool: InstanceType<typeof Spool>;
let shares: DeficitRoundRobin<VmRequests>;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vgpu-spool-'));
  for (let vm = 1; vm <= VMS; vm += 1) {
    mkdirSync(join(root, `vm${vm}`));
    utimesSync(join(root, `vm${vm}`), LONG_AGO, LONG_AGO);
  }
  utimesSync(root, LONG_AGO, LONG_AGO);
  const ignore = () => undefined;
  spool = newSpool({ debug: ignore, info: ignore, warn: ignore, error: ignore });
  spool.open();
});

afterEach(() => {
  fakeFs.restore();
  void spool.close();
  rmSync(root, { recursive: true });
});

function newSpool(logger: Logger): InstanceType<typeof Spool> {
  const ignore = () => undefined;
  shares = new DeficitRoundRobin<VmRequests>(FIRST_TURN);
  return new Spool({
    root,
    limits: { maxQueued: () => 64 },
    queue: { isOverloaded: false },
    settings: { settleMs: 0 },
    logger,
    lock: { lockRoot: ignore },
    shares,
    events: new Events(),
  });
}

/** Takes all steps that are due. */
function work(): void {
  spool.refresh();
  while (shares.hasWork) {
    shares.beginTurn(TURN);
    shares.serve({ hasWork: ({ hasWork }) => hasWork, step: (vm) => vm.next().cost });
  }
}

/** The VMs whose directories a scan reads, in its first turn. */
function scanned(): Set<string> {
  const names = intercepted();
  spool.scan();
  fakeFs.restore();
  work();
  return names;
}

/** The VMs whose directories it reads in later turns. */
async function rest(): Promise<Set<string>> {
  const names = intercepted();
  for (let turn = 0; turn < 3; turn += 1) await nextTurn();
  fakeFs.restore();
  return names;
}

/** The VMs whose directories are read from now on. */
function intercepted(): Set<string> {
  const names = new Set<string>();
  fakeFs.intercept(({ name, args, proceed }) => {
    const [, vm] = /\/(vm\d+)$/.exec(String(args[0])) ?? [];
    if (name === 'lstatSync' && vm !== undefined) names.add(vm);
    return proceed();
  });
  return names;
}

test('a scan reads some of the idle directories, and several scans read all of them', () => {
  work();
  // Now all are known.
  for (let scan = 0; scan < 4; scan += 1) scanned();
  const all = new Set<string>();
  for (let scan = 0; scan < SCANS; scan += 1) {
    const some = scanned();
    expect(some.size).toBeLessThanOrEqual(PER_SCAN);
    for (const vm of some) all.add(vm);
  }
  expect(all.size).toBe(VMS);
});

test('every scan reads the active directories', async () => {
  work();
  for (let scan = 0; scan < 4; scan += 1) scanned();
  writeFileSync(join(root, 'vm7', 'request-x.txt'), 'A:1:7:1:2');
  await until('inotify reports it', () => scanned().has('vm7'));
  for (let scan = 0; scan < 4; scan += 1) expect([...scanned()]).toContain('vm7');
});

test('after the kernel has lost events only the next scan reads all directories', async () => {
  await spool.close();
  fakeFs.hasAddon = true;
  const lost: string[] = [];
  const ignore = () => undefined;
  spool = newSpool({
    debug: (message) => {
      if (message.includes('lost events')) lost.push(message);
    },
    info: ignore,
    warn: ignore,
    error: ignore,
  });
  spool.open();
  fakeFs.hasAddon = false;
  work();
  for (let scan = 0; scan < 4; scan += 1) scanned();
  // Events are not read while this thread writes; consecutive ones must differ to count.
  const queue = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
  for (let event = 0; event <= queue; event += 1) {
    writeFileSync(join(root, 'vm1', `request-${event % 2}.txt`), '');
  }
  await until('the kernel tells', () => lost.length > 0);
  const all = scanned();
  // Some at a time: others are served in between.
  expect(all.size).toBeLessThan(VMS);
  for (const vm of await rest()) all.add(vm);
  expect(all.size).toBe(VMS);
  // Those by turns, and some in which something goes on.
  expect(scanned().size).toBeLessThan(2 * PER_SCAN);
});
