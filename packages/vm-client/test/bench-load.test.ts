import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Tally } from '../src/cli/bench/figures.js';
import { Load, type LoadPlan } from '../src/cli/bench/load.js';
import { withDirectories } from '../src/cli/bench/directories.js';
import type { Sample } from '../src/cli/bench/sample.js';
import { answer, answerSum, FakeMediator, neverAnswer } from './fake-mediator.js';

let mediator: FakeMediator;
beforeEach(() => {
  mediator = new FakeMediator();
});
afterEach(() => {
  expect(mediator.files()).toEqual([]);
  mediator.close();
});

const never = new AbortController().signal;

/** Keeps the samples too. */
class Recorder extends Tally {
  readonly samples: Sample[] = [];

  override done(sample: Sample): void {
    this.samples.push(sample);
    super.done(sample);
  }
}

/** Plays VM 1 of the fake. */
async function play(plan: Partial<LoadPlan>, signal = never): Promise<Recorder> {
  const recorder = new Recorder();
  const whole: LoadPlan = {
    root: mediator.root,
    vms: [{ vm: 1, pool: 'B', priority: 2 }],
    pace: { inFlight: 1 },
    durationMs: 200,
    size: 1,
    ...plan,
  };
  const load = new Load(whole, recorder);
  await load.run(signal);
  await load.close();
  return recorder;
}

/** Plays until the mediator has seen this number of requests. */
async function playUntilSeen(count: number, plan: Partial<LoadPlan>): Promise<Recorder> {
  const controller = new AbortController();
  const playing = play({ ...plan, durationMs: 60_000 }, controller.signal);
  await mediator.sawRequests(count);
  controller.abort();
  return playing;
}

describe('a load', () => {
  test('with requests in flight sends one for each answer', async () => {
    const { all, samples } = await playUntilSeen(12, { pace: { inFlight: 4 }, size: 3 });
    expect(all.answered).toBeGreaterThanOrEqual(8);
    expect(all).toMatchObject({ sent: all.answered + all.withdrawn, failed: 0, underWay: 0 });
    expect(all.withdrawn).toBeLessThanOrEqual(4);
    for (const line of mediator.seen) expect(line).toMatch(/^B:2:1:(?:-?\d+,?){3}:/);
    expect(new Set(mediator.seen).size).toBe(mediator.seen.length);
    expect(samples.every(({ priority }) => priority === 2)).toBe(true);
  });

  test('at a rate sends on when no answer comes', async () => {
    mediator.behaviour = neverAnswer;
    const pace = { perSecond: 50, arrivals: 'constant' } as const;
    const { all } = await play({ pace, durationMs: 1000, timeoutMs: 300 });
    expect(all.sent).toBe(50);
    expect([...all.errors]).toEqual([['TIMEOUT', expect.objectContaining({ count: 50 })]]);
    expect(all.waits.percentile(50)).toBeUndefined();
  });

  test('that stands still itself counts the waits from when requests were due', async () => {
    const pace = { perSecond: 20, arrivals: 'constant' } as const;
    const playing = play({ pace, durationMs: 600 });
    const until = performance.now() + 400;
    while (performance.now() < until);
    const { all, samples, late } = await playing;
    expect(all).toMatchObject({ sent: 12, answered: 12 });
    // The first was due within 50 ms, and sent only after 400.
    const [first] = samples.toSorted((a, b) => a.fromMs - b.fromMs);
    expect((first?.untilMs ?? 0) - (first?.fromMs ?? 0)).toBeGreaterThan(345);
    expect(late.percentile(100)).toBeGreaterThan(345);
  });

  test('finds wrong sums', async () => {
    mediator.behaviour = answer('1\n');
    const { all } = await play({});
    expect(all).toMatchObject({ answered: 0, failed: all.sent });
    expect(all.errors.get('BAD_RESPONSE')?.example.message).toMatch(/^slot .* is not the sum/);
  });

  test('counts what the mediator rejects, and does not try again', async () => {
    mediator.behaviour = (found) => {
      if (mediator.seen.length === 2) void answer('ERROR:RATE_LIMITED:retry in 9 ms\n')(found);
      else answerSum(found);
    };
    const { all } = await playUntilSeen(4, {});
    expect(all.errors.get('RATE_LIMITED')?.count).toBe(1);
    expect(all.failed).toBe(1);
    expect(new Set(mediator.seen).size).toBe(mediator.seen.length);
  });

  test('with requests in flight pauses after an error', async () => {
    const { all } = await play({
      vms: [{ vm: 2, pool: 'A', priority: 0 }],
      durationMs: 1000,
    });
    expect(all.errors.get('SHARE_UNAVAILABLE')?.count).toBe(all.sent);
    expect(all.sent).toBeGreaterThan(1);
    expect(all.sent).toBeLessThanOrEqual(1000 / 10);
  });

  test.each([{ perSecond: 100_000, arrivals: 'poisson' } as const, { inFlight: 5 }])(
    'that is aborted withdraws the requests in flight: %j',
    async (pace) => {
      mediator.behaviour = neverAnswer;
      const { all } = await playUntilSeen(5, { pace });
      expect(all.withdrawn).toBeGreaterThanOrEqual(5);
      expect(all).toMatchObject({ sent: all.withdrawn, failed: 0 });
    },
  );

  test('asks once for each VM first, and ends with the error of that', async () => {
    mediator.behaviour = answer('ERROR:SUSPENDED:by the administrator\n');
    const tally = new Tally();
    const load = new Load(
      {
        root: mediator.root,
        vms: [{ vm: 1, pool: 'A', priority: 0 }],
        ...{ pace: { inFlight: 1 }, durationMs: 1, size: 1 },
      },
      tally,
    );
    await expect(load.warmUp(never)).rejects.toMatchObject({ code: 'SUSPENDED' });
    await load.close();
    expect(tally.all.sent).toBe(0);
  });
});

describe('directories that are missing', () => {
  const exists = (vm: number) => fs.existsSync(path.join(mediator.root, `vm${vm}`));

  test('are named', async () => {
    await expect(
      withDirectories(mediator.root, [1, 2, 3, 4], false, async () => Promise.resolve()),
    ).rejects.toMatchObject({
      code: 'SHARE_UNAVAILABLE',
      message: expect.stringMatching(/vm2 does not exist, nor do 2 more; .*--create$/),
    });
    expect(exists(2)).toBe(false);
  });

  test('are made for the while, unless something is left in them', async () => {
    await withDirectories(mediator.root, [1, 2, 3], true, () => {
      expect([1, 2, 3].map(exists)).toEqual([true, true, true]);
      fs.writeFileSync(path.join(mediator.root, 'vm3/request-x.txt'), 'A:2:3:1:2\n');
      return Promise.resolve();
    });
    expect([1, 2, 3].map(exists)).toEqual([true, false, true]);
  });

  test('are an error where they can not be made', async () => {
    const use = () => Promise.resolve();
    const nowhere = path.join(mediator.root, 'nowhere');
    await expect(withDirectories(nowhere, [1], true, use)).rejects.toMatchObject({
      code: 'SHARE_UNAVAILABLE',
    });
  });
});
