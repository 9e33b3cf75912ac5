import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { VgpuClient } from '@vgpu/vm-client';
import { FakeClock, HOUR_MS } from '../support/fake-clock.js';
import { MediatorProcess, runClient, until } from '../support/processes.js';
import { FragileRoot, sums } from '../support/world.js';

describe('a clock that is set', () => {
  let root: FragileRoot;
  let clock: FakeClock;
  let client: VgpuClient;
  beforeEach(() => {
    root = new FragileRoot([1, 2]);
    clock = new FakeClock(root);
    client = new VgpuClient({ root: root.path, vmId: 2 });
  });
  afterEach(async () => {
    await client.close();
    root.remove();
  });

  const JUMPS: [string, number, number][] = [
    ['back by two hours', 2 * HOUR_MS, 0],
    ['forward by two hours', 0, 2 * HOUR_MS],
    ['back and was late', 0, -2 * HOUR_MS],
  ];

  it.each(JUMPS)('%s while it serves costs no request', async (_how, before, after) => {
    clock.shift(before);
    // One at a time is queued, so that others wait on disk while the clock is set.
    const flags = ['--max-queued-per-vm', '1', '--cpu-delay', '5', '--poll-interval', '50'];
    const mediator = await MediatorProcess.serving(root, ...flags);
    const underWay = sums(client, 20);
    await mediator.finished(4);
    clock.shift(after);
    expect(await sums(client, 5)).toEqual([1, 2, 3, 4, 5]);
    expect(await underWay).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    for (const sum of ['3\n', '3\n']) {
      expect((await runClient(root, 1, '1', '2', '--plain')).stdout).toBe(sum);
    }
    // Half written for all that is known, so it has to stay untouched for a while.
    writeFileSync(root.in(1, 'request-a.txt'), 'A:1:1:3:4');
    await root.answered(1, 'a', '7\n');
    expect(await mediator.stop()).toBe(0);
  });

  it.each(JUMPS)('%s between two runs costs no request', async (_how, before, after) => {
    clock.shift(before);
    const first = await MediatorProcess.serving(root);
    root.drop(1, 'unread', 'A:1:1:1:2\n');
    await root.answered(1, 'unread', '3\n');
    first.signal('SIGKILL');
    await first.exited;
    root.drop(1, 'low', 'A:0:1:1:0\n');
    root.drop(1, 'high', 'A:2:1:2:0\n');
    writeFileSync(root.in(2, 'request.txt'), 'A:1:2:3:0\n');
    clock.shift(after);
    const second = await MediatorProcess.serving(root);
    await until(() => second.logged('request finished').length === 3, 'all answers');
    expect(second.logged('request finished').map(({ slot }) => slot)).toEqual(['high', '.', 'low']);
    expect(root.answer(1, 'unread')).toBe('3\n');
    expect(await client.add(100, 200)).toBe(300);
    expect(await second.stop()).toBe(0);
  });
});
