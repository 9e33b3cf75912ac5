import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeClock, HOUR_MS } from '../support/fake-clock.js';
import { MediatorProcess, TestRoot, until } from '../support/processes.js';

/** So often at least the kernel's clock for files moves on. */
const A_TICK_MS = 21;

describe('a plain request after the clock was set back', () => {
  let root: TestRoot;
  beforeEach(() => {
    root = new TestRoot([1]);
  });
  afterEach(() => {
    root.remove();
  });

  it('is not taken for the one whose unread answer bears a later time', async () => {
    const clock = new FakeClock(root);
    clock.shift(HOUR_MS);
    const mediator = await MediatorProcess.serving(root);
    clock.shift(0);
    mediator.signal('SIGSTOP');
    // The order in which the kernel would stamp them if the answer were from before the clock was set
    // back: the request now, the answer later.
    writeFileSync(root.in(1, 'request.txt'), 'A:1:1:1:2\n');
    await sleep(A_TICK_MS);
    writeFileSync(root.in(1, 'response.txt'), '999\n');
    mediator.signal('SIGCONT');
    await until(() => mediator.log.some(({ vm }) => vm === 1), 'something to be done');
    expect(mediator.log.at(-1)).toMatchObject({ message: 'request finished', outcome: 'OK' });
    expect(readFileSync(root.in(1, 'response.txt'), 'utf8')).toBe('3\n');
    expect(await mediator.stop()).toBe(0);
  });
});
