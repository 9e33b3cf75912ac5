/**
 * A guest that does anything that a file system permits in its directory, at random, between the turns
 * of the mediator and in the middle of them, before and after its system calls. The seed decides
 * what it does; when the mediator runs in between is up to the machine.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { CpuVectorAdder } from '@vgpu/cuda-binding';
import { amount } from '../../../../tests/support/amount.js';
import { fuzzRun, Random, replay } from '../../../../tests/support/random.js';
import type { Mediator as MediatorType } from '../../src/mediator.js';
import { FakeFs } from '../support/fake-fs.js';
import { FsGuard } from '../support/fs-guard.js';
import { makeSpecialFiles } from '../support/hostile.js';
import { HostileGuest } from '../support/hostile-guest.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';
import { TestHost } from '../support/test-host.js';
import { until } from '../support/until.js';
import { named } from '../support/vm-files.js';

const fakeFs = new FakeFs();
const { Mediator } = await import('../../src/mediator.js');

const RUN = fuzzRun(amount(4000, 60_000));
const BATCH = 100;
const BATCHES_PER_MEDIATOR = 40;
const HOSTILE = 1;
const HONEST = 2;
const SECRET = 'a secret of the host';
const SETTINGS = { pollIntervalMs: 5, settleMs: 2, retentionMs: 3_600_000 };

const random = new Random(RUN.seed);
let host: TestHost;
let guest: HostileGuest;
let guard: FsGuard;
let protectedFiles: readonly string[];

beforeEach(async () => {
  const base = temporaryDirectory(existsSync('/dev/shm') ? '/dev/shm' : undefined);
  host = new TestHost(Mediator, base);
  const directory = host.vm(HOSTILE).path;
  const outside = join(base, 'outside');
  mkdirSync(outside);
  protectedFiles = [join(outside, 'secret'), host.vm(HONEST).at('keep.txt')];
  for (const path of protectedFiles) {
    writeFileSync(path, `${SECRET}\n`, { mode: 0o640 });
    // Read later than this, it would show: relatime moves a time of access that is older than mtime.
    utimesSync(path, 1000, 2000);
  }
  const targets = [
    ...[...protectedFiles, '../vm2', '../vm2/keep.txt', '..', '.', '/', '/dev/zero', '/dev/null'],
    ...['/proc/self/mem', '/proc/self/fd', '/proc/self/environ', 'nowhere'],
  ];
  const special = await makeSpecialFiles(outside);
  guest = new HostileGuest(random, directory, HOSTILE, {
    protected: protectedFiles,
    targets,
    special,
  });
  guard = new FsGuard(protectedFiles, SECRET);
});

afterEach(async () => {
  fakeFs.restore();
  guest.clear();
  expect(await host.close()).toEqual({ open: [], watches: 0 });
});

/** The guest may act right before and right after any system call of the mediator. */
function interfere(): void {
  fakeFs.intercept((call) => {
    if (random.oneIn(8)) guest.act();
    try {
      return guard.check(call);
    } finally {
      if (random.oneIn(8)) guest.act();
    }
  });
}

let asked = 0;

/**
 * Another VM gets the right sum: its request is as urgent as the guest's, since the queue is strict and its
 * urgent requests rightly go before all others.
 */
async function expectHonestResponse(): Promise<void> {
  asked += 1;
  const files = host.vm(HONEST);
  const slot = named(`h${asked}`);
  files.put(slot, `A:2:${HONEST}:${asked}:1000000\n`);
  const hasResponse = () => files.responseText(slot).endsWith('\n') && !files.hasRequest(slot);
  await until('the honest VM has its response', hasResponse);
  expect(files.responseText(slot)).toBe(`${1_000_000 + asked}\n`);
  rmSync(files.response(slot));
}

/** How many names a file has in a directory and below it. */
function countLinks(directory: Buffer, inode: number): number {
  let links = 0;
  for (const name of readdirSync(directory, { encoding: 'buffer' })) {
    const path = Buffer.concat([directory, Buffer.from('/'), name]);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.ino === inode) links += 1;
    if (stats?.isDirectory()) links += countLinks(path, inode);
  }
  return links;
}

async function expectUntouched(): Promise<void> {
  expect(guard.violations).toEqual([]);
  for (const path of protectedFiles) {
    const { ino, size, mode, nlink, atimeMs, mtimeMs } = lstatSync(path);
    expect({ path, size, mode: mode & 0o777, nlink, atimeMs, mtimeMs }).toEqual({
      path,
      size: SECRET.length + 1,
      mode: 0o640,
      nlink: 1 + countLinks(Buffer.from(host.vm(HOSTILE).path), ino),
      atimeMs: 1_000_000,
      mtimeMs: 2_000_000,
    });
  }
  expect(host.vm(HONEST).names()).toEqual(['keep.txt']);
  // Two directories, and for each a listing that may be under way.
  await until('a thread has closed the rest', () => openBelow(host.root).length <= 4);
}

async function fuzzOnce(mediator: MediatorType): Promise<void> {
  if (random.oneIn(4)) guest.clear();
  // Now and then all unfetched files are stale at once.
  if (random.oneIn(8)) mediator.configure({ retentionMs: 1 });
  const end = guest.done + BATCH;
  while (guest.done < end) {
    guest.act();
    if (random.oneIn(3)) await turn();
  }
  mediator.configure(SETTINGS);
  await expectHonestResponse();
  await expectUntouched();
}

test('a hostile guest neither stops the mediator nor reaches beyond its directory', async () => {
  console.log(`spool-fuzz.test.ts: ${replay(RUN)}`); // eslint-disable-line no-console -- to replay
  interfere();
  try {
    while (guest.done < RUN.inputs) {
      fakeFs.hasAddon = random.oneIn(2);
      const mediator = await host.start([new CpuVectorAdder()], SETTINGS);
      for (let batch = 0; batch < BATCHES_PER_MEDIATOR && guest.done < RUN.inputs; batch += 1) {
        await fuzzOnce(mediator);
      }
      await mediator.stop();
    }
  } catch (error) {
    const { message } = error as Error;
    throw new Error(
      `${message}\nafter ${guest.done} operations, the last of them\n${guest.history}\n` +
        `replay with ${replay(RUN)}`,
      { cause: error },
    );
  }
  for (const path of protectedFiles) expect(readFileSync(path, 'utf8')).toBe(`${SECRET}\n`);
});
