import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeClock, HOUR_MS } from '../support/fake-clock.js';
import { MediatorProcess, until } from '../support/processes.js';
import { FragileRoot } from '../support/world.js';

const RETENTION_MS = 4000;
/** Enough for several looks for what has become stale, and much less than the retention time. */
const SOME_CHECKS_MS = 1500;
const FLAGS = ['--retention', String(RETENTION_MS), '--poll-interval', '50'];

describe('an answer that nobody has read yet', () => {
  let root: FragileRoot;
  let clock: FakeClock;
  beforeEach(() => {
    root = new FragileRoot([1]);
    clock = new FakeClock(root);
  });
  afterEach(() => {
    root.remove();
  });

  async function giveAnswer(): Promise<void> {
    root.drop(1, 'a', 'A:1:1:1:2\n');
    await root.answered(1, 'a', '3\n');
  }

  it('is removed after the retention time', async () => {
    const mediator = await MediatorProcess.serving(root, ...FLAGS);
    await giveAnswer();
    await until(() => !existsSync(root.in(1, 'response-a.txt')), 'its removal');
    expect(await mediator.stop()).toBe(0);
  });

  it('stays when the clock is set forward', async () => {
    const mediator = await MediatorProcess.serving(root, ...FLAGS);
    await giveAnswer();
    clock.shift(HOUR_MS);
    await sleep(SOME_CHECKS_MS);
    expect(root.answer(1, 'a')).toBe('3\n');
    expect(await mediator.stop()).toBe(0);
  });

  it('stays when the clock is set forward between two runs', async () => {
    const first = await MediatorProcess.serving(root, ...FLAGS);
    await giveAnswer();
    await first.stop();
    clock.shift(HOUR_MS);
    const second = await MediatorProcess.serving(root, ...FLAGS);
    await sleep(SOME_CHECKS_MS);
    expect(root.answer(1, 'a')).toBe('3\n');
    expect(await second.stop()).toBe(0);
  });

  it('is removed in the end although the clock was set back', async () => {
    clock.shift(HOUR_MS);
    const mediator = await MediatorProcess.serving(root, ...FLAGS);
    clock.shift(0);
    await giveAnswer();
    await until(() => !existsSync(root.in(1, 'response-a.txt')), 'its removal');
    expect(await mediator.stop()).toBe(0);
  });
});
