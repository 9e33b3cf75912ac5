import { mkdirSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { MediatorProcess, until } from '../support/processes.js';
import { describeWithStrace, FailingCalls } from '../support/strace.js';
import { FragileRoot } from '../support/world.js';

const SWEEP_MS = 50;

describeWithStrace('a VM directory that can be opened, but not read', () => {
  it('costs no open file for each attempt, and is served once it can', async () => {
    const root = new FragileRoot([]);
    const mediator = await MediatorProcess.serving(root, '--poll-interval', String(SWEEP_MS));
    // Every second look at it: the one by its name succeeds, the one at what was opened fails.
    const calls = await FailingCalls.on(mediator, root.in(1), 'EIO:when=2+2', 'statx');
    try {
      const count = () => readdirSync(`/proc/${mediator.pid}/fd`).length;
      const before = count();
      mkdirSync(root.in(1));
      root.drop(1, 'a', 'A:1:1:1:2\n');
      const message = 'cannot open a VM directory; trying again at each scan';
      await until(() => mediator.logged(message).length > 0, 'the first attempt');
      await sleep(10 * SWEEP_MS);
      expect(count()).toBeLessThanOrEqual(before + 1);
      await calls.end();
      await root.answered(1, 'a', '3\n');
      expect(await mediator.stop()).toBe(0);
    } finally {
      await calls.end();
      root.remove();
    }
  });
});
