import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { MediatorProcess, until } from '../support/processes.js';
import { describeWithStrace, FailingCalls } from '../support/strace.js';
import { FragileRoot } from '../support/world.js';

const SWEEP_MS = 50;

describeWithStrace('a request that is queued while its directory fails', () => {
  it('is finished once: it does not count as withdrawn', async () => {
    const root = new FragileRoot([1, 2]);
    const flags = [
      '--cpu-delay',
      '1000',
      '--log-level',
      'debug',
      '--poll-interval',
      String(SWEEP_MS),
    ];
    const mediator = await MediatorProcess.serving(root, ...flags);
    const finished = (id: number) =>
      mediator.logged('request finished').filter(({ vm }) => vm === id);
    root.drop(2, 'a', 'A:1:2:1:2\n');
    root.drop(1, 'a', 'A:0:1:1:2\n');
    await until(() => mediator.logged('request queued').length === 2, 'both to be queued');
    // Time stands still for the mediator until its directory fails.
    mediator.signal('SIGSTOP');
    const calls = await FailingCalls.in(mediator, root, 1, 'EIO');
    try {
      expect(mediator.logged('request finished')).toEqual([]);
      mediator.signal('SIGCONT');
      await until(() => finished(2).length === 1, 'the turn of the request whose directory fails');
      await sleep(10 * SWEEP_MS);
      await calls.end();
      await root.answered(1, 'a', '3\n');
      await until(() => finished(1).length > 0, 'the log to say so');
      expect(finished(1).map(({ outcome }) => outcome)).toEqual(['OK']);
      expect(await mediator.stop()).toBe(0);
    } finally {
      await calls.end();
      root.remove();
    }
  });
});
