import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { VgpuClient } from '@vgpu/vm-client';
import { MediatorProcess, until } from '../support/processes.js';
import { describeWithMounts, FragileRoot } from '../support/world.js';

const CANNOT_RESPOND = 'cannot put a response in place; trying again';

describeWithMounts('a VM directory that is read-only for a while', () => {
  let root: FragileRoot;
  beforeEach(() => {
    root = new FragileRoot([1, 2]);
    root.mountTmpfs(root.in(1));
  });
  afterEach(() => {
    root.remove();
  });

  it('answers what waited once it is writable', async () => {
    const mediator = await MediatorProcess.serving(root);
    const own = new VgpuClient({ root: root.path, vmId: 1 });
    expect(await own.add(1, 2)).toBe(3);
    // Without a newline, so that there is time before it is taken up.
    root.drop(1, 'a', 'A:1:1:1:2');
    root.remount(root.in(1), 'ro');
    await until(() => mediator.logged(CANNOT_RESPOND).length > 1, 'the answer to fail');
    expect(mediator.logged(CANNOT_RESPOND)[0]).toMatchObject({
      vm: 1,
      error: expect.stringContaining('EROFS'),
      remedy: 'remount the file system writable',
    });
    await expect(own.add(1, 2)).rejects.toMatchObject({ code: 'CANNOT_CREATE' });
    const other = new VgpuClient({ root: root.path, vmId: 2 });
    expect(await other.add(100, 200)).toBe(300);
    await other.close();
    root.remount(root.in(1), 'rw');
    await root.answered(1, 'a', '3\n');
    expect(await own.add(3, 4)).toBe(7);
    await own.close();
    expect(await mediator.stop()).toBe(0);
  });

  it('keeps a plain request waiting, which does not count as withdrawn', async () => {
    const mediator = await MediatorProcess.serving(root, '--poll-interval', '100');
    // Without a newline, so that there is time before it is taken up.
    writeFileSync(root.in(1, 'request.txt'), 'A:1:1:1:2');
    root.remount(root.in(1), 'ro');
    const complaints = () => mediator.log.filter(({ level }) => level === 'warn');
    await until(() => complaints().length > 0, 'the complaint');
    await sleep(500);
    expect(mediator.logged('request finished')).toEqual([]);
    // A line for each sweep at most.
    expect(complaints().length).toBeLessThan(20);
    root.remount(root.in(1), 'rw');
    await until(() => mediator.logged('request finished').length === 1, 'the answer');
    expect(mediator.logged('request finished')[0]).toMatchObject({ vm: 1, outcome: 'OK' });
    expect(readFileSync(root.in(1, 'response.txt'), 'utf8')).toBe('3\n');
    expect(await mediator.stop()).toBe(0);
  });
});
describeWithMounts('a root that is read-only for a while', () => {
  it('is served again afterwards, new VM directories too', async () => {
    const root = new FragileRoot([]);
    try {
      root.mountTmpfs(root.path);
      for (const vm of [1, 2]) mkdirSync(root.in(vm));
      const mediator = await MediatorProcess.serving(root);
      for (const vm of [1, 2]) root.drop(vm, 'a', `A:1:${vm}:1:2`);
      root.remount(root.path, 'ro');
      await until(() => mediator.logged(CANNOT_RESPOND).length > 1, 'answers to fail');
      root.remount(root.path, 'rw');
      mkdirSync(root.in(3));
      root.drop(3, 'a', 'A:1:3:1:2\n');
      for (const vm of [1, 2, 3]) await root.answered(vm, 'a', '3\n');
      expect(await mediator.stop()).toBe(0);
    } finally {
      root.remove();
    }
  });
});
