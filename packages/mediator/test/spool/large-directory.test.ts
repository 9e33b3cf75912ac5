/** VM directories so large that a thread lists them, and the calls in them meanwhile. */
import { existsSync, linkSync, rmSync, unlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CpuVectorAdder } from '@vgpu/cuda-binding';
import { Mediator } from '../../src/mediator.js';
import { VmDirectory } from '../../src/spool/vm-directory.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';
import { TestHost } from '../support/test-host.js';
import { until } from '../support/until.js';
import { named, VmFiles } from '../support/vm-files.js';

describe('a large directory', () => {
  let root: string;
  let directory: VmDirectory;
  let files: VmFiles;
  let names: string[];
  let ready = 0;
  beforeEach(() => {
    ready = 0;
    root = temporaryDirectory();
    files = new VmFiles(root, 7);
    names = files.enlarge();
    directory = new VmDirectory(root, 7, { onReady: () => (ready += 1) });
    directory.refresh();
  });
  afterEach(async () => {
    directory.close();
    await until('nothing is open', () => openBelow(root).length === 0);
  });

  it('is locked while a thread lists it, and says when it is ready again', async () => {
    let unlocked = 0;
    expect(directory.list(10, 10, true)).toEqual({ names: [], complete: false, isPending: true });
    expect([directory.isLocked, directory.isReady]).toEqual([true, false]);
    expect(() => directory.ctimeNs('request.txt')).toThrow(
      expect.objectContaining({ code: 'EBUSY' }),
    );
    directory.whenUnlocked(() => (unlocked += 1));
    expect(unlocked).toBe(0);
    await until('the thread', () => ready > 0);
    expect([directory.isLocked, directory.isReady, unlocked, ready]).toEqual([false, true, 1, 1]);
    expect(directory.list(10, 10, true).names).toHaveLength(10);
  });

  it('gives each name once', async () => {
    const listed = new Set<string>();
    let count = 0;
    for (let complete = false; !complete;) {
      const before = ready;
      const part = directory.list(1000, 1000, true);
      for (const name of part.names) listed.add(name);
      count += part.names.length;
      complete = part.complete;
      if (part.isPending === true) await until('the thread', () => ready > before);
    }
    expect([listed.size, count]).toEqual([names.length, names.length]);
  });

  it('that is closed meanwhile is locked no more', () => {
    let unlocked = 0;
    directory.list(10, 10, true);
    directory.whenUnlocked(() => (unlocked += 1));
    directory.close();
    expect(unlocked).toBe(1);
  });

  it('is listed at once if the caller may not wait, as a small one is', () => {
    expect(directory.list(10, 10).names).toHaveLength(10);
    const small = new VmFiles(root, 8);
    small.write(named('1'), 'x');
    const other = new VmDirectory(root, 8);
    expect(other.list(10, 10, true)).toEqual({ names: ['request-1.txt'], complete: true });
    other.close();
  });
});

describe('a VM with a large directory', () => {
  let host: TestHost;
  beforeEach(() => {
    host = new TestHost(Mediator);
  });
  afterEach(async () => {
    await host.close();
  });

  it('is served while it is listed again and again, without a complaint', async () => {
    const files = host.vm(3);
    const [first = ''] = files.enlarge();
    const mediator = await host.start([new CpuVectorAdder()], { pollIntervalMs: 1 });
    const outcomes: string[] = [];
    mediator.observe({ requestFinished: ({ outcome }) => outcomes.push(outcome) });
    let count = 0;
    for (let round = 0; round < 100; round += 1) {
      // Each scan sees that the directory has changed, and that no name in it is known.
      linkSync(files.at(first), files.at('other'));
      unlinkSync(files.at('other'));
      for (let more = 0; more < 3; more += 1) {
        files.put(named(String((count += 1))), `A:${more}:3:${count}:1\n`);
      }
      await until('its response', () => files.responseText(named(String(count))) !== '');
    }
    await until('all', () => outcomes.length === count);
    for (let id = 1; id <= count; id += 1)
      expect(files.responseText(named(String(id)))).toBe(`${id + 1}\n`);
    expect(outcomes).toEqual(new Array(count).fill('OK'));
    expect(
      host.logger.entries.filter(({ level }) => level !== 'debug' && level !== 'info'),
    ).toEqual([]);
    await host.close();
    rmSync(files.path, { recursive: true });
    expect(existsSync(files.path)).toBe(false);
  });
});
