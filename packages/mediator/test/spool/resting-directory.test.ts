/** Large VM directories in which a call takes long, because another process reads them meanwhile. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeFs } from '../support/fake-fs.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';
import { until } from '../support/until.js';
import { named, VmFiles } from '../support/vm-files.js';

const fakeFs = new FakeFs();
const { VmDirectory } = await import('../../src/spool/vm-directory.js');

const SLOW_MS = 8;
let root: string;
let directory: InstanceType<typeof VmDirectory>;
let files: VmFiles;
let ready: number;

beforeEach(() => {
  root = temporaryDirectory();
  files = new VmFiles(root, 7);
  ready = 0;
});
afterEach(async () => {
  fakeFs.restore();
  directory.close();
  await until('nothing is open', () => openBelow(root).length === 0);
});

function open(): void {
  directory = new VmDirectory(root, 7, { onReady: () => (ready += 1) });
  directory.refresh();
}

/** As if the kernel had the directory locked for another process. */
function readSlowly(): void {
  fakeFs.intercept(({ name, proceed }) => {
    const end = performance.now() + (name === 'lstatSync' ? SLOW_MS : 0);
    while (performance.now() < end);
    return proceed();
  });
  expect(directory.read(named('x'))).toEqual({ kind: 'absent' });
  fakeFs.restore();
}

describe('a call in a large directory that took long', () => {
  beforeEach(() => {
    files.enlarge();
    open();
  });

  it('has it rest for a hundred times as long', async () => {
    const startedMs = performance.now();
    readSlowly();
    expect([directory.isLocked, directory.isReady]).toEqual([true, false]);
    let unlocked = 0;
    directory.whenUnlocked(() => (unlocked += 1));
    await until('its rest to end', () => ready > 0);
    expect(performance.now() - startedMs).toBeGreaterThan(100 * SLOW_MS);
    expect([directory.isLocked, directory.isReady, unlocked]).toEqual([false, true, 1]);
  });

  it('ends no call that is under way, and no rest outlasts its directory', () => {
    readSlowly();
    expect(directory.read(named('x'))).toEqual({ kind: 'absent' });
    let unlocked = 0;
    directory.whenUnlocked(() => (unlocked += 1));
    directory.close();
    expect([directory.isLocked, unlocked]).toEqual([false, 1]);
  });
});

describe('a call in another directory that took long', () => {
  it('changes nothing: every directory has slow calls', () => {
    open();
    readSlowly();
    expect([directory.isLocked, directory.isReady]).toEqual([false, true]);
  });
});
