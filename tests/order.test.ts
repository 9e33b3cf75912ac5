import { readdirSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { HeldDevice } from './support/held-device.js';
import { MediatorProcess, TestRoot, until } from './support/processes.js';

/** More than the tick with which kernels before 6.13 stamp files. */
const APART_MS = 12;
const VMS = Array.from({ length: 20 }, (_, index) => index + 1);

const arbitraryRequests = fc.array(
  fc.record({
    vm: fc.constantFrom(...VMS),
    pool: fc.constantFrom('A', 'B'),
    priority: fc.integer({ min: 0, max: 2 }),
  }),
  { minLength: 500, maxLength: 500, size: 'max' },
);

describe('order', () => {
  let root: TestRoot;
  beforeEach(() => {
    root = new TestRoot(VMS);
  });
  afterEach(() => {
    root.remove();
  });

  it('serves 500 requests that were there at the start by priority, then arrival', async () => {
    const seed = Date.now() & 0x7fff_ffff;
    console.log(`order.test.ts: seed ${seed}`); // eslint-disable-line no-console -- to replay
    const [requests = []] = fc.sample(arbitraryRequests, { numRuns: 1, seed });
    const written = [];
    for (const [index, { vm, pool, priority }] of requests.entries()) {
      root.drop(vm, String(index), `${pool}:${priority}:${vm}:${index}:1\n`);
      written.push({ index, vm, pool, priority });
      await sleep(APART_MS);
    }

    const mediator = new MediatorProcess(root, '--once', '--cpu-delay', String(APART_MS));
    expect(await mediator.exited).toBe(0);

    const expected = written.toSorted((a, b) => b.priority - a.priority || a.index - b.index);
    const served = mediator.logged('request finished');
    expect(served.map(({ slot }) => Number(slot))).toEqual(expected.map(({ index }) => index));
    // The numbers of arrival rise in the order in which the requests were written.
    expect(
      served
        .toSorted((a, b) => Number(a['seq']) - Number(b['seq']))
        .map(({ slot }) => Number(slot)),
    ).toEqual(written.map(({ index }) => index));
    // The files say the same as the log.
    const answers = written.map(({ index, vm }) => {
      const path = root.in(vm, `response-${index}.txt`);
      expect(readFileSync(path, 'utf8')).toBe(`${index + 1}\n`);
      return { index, ms: statSync(path).mtimeMs };
    });
    expect(answers.toSorted((a, b) => a.ms - b.ms).map(({ index }) => index)).toEqual(
      expected.map(({ index }) => index),
    );
    for (const vm of VMS) {
      expect(readdirSync(root.in(vm)).filter((name) => !name.startsWith('response-'))).toEqual([]);
    }
  });

  it('lets what is beyond the queue limit arrive when it is admitted', async () => {
    for (let index = 0; index < 12; index += 1) root.drop(1, `flood${index}`, 'A:1:1:1:1\n');
    const device = new HeldDevice(root);
    const mediator = await MediatorProcess.serving(
      root,
      ...['--exec-limit', '600000', '--max-queued-per-vm', '3', '--log-level', 'debug'],
    );
    root.drop(2, 'equal', 'B:1:2:1:1\n');
    const isQueued = () => mediator.logged('request queued').some(({ vm }) => vm === 2);
    await until(isQueued, 'the other VM to be queued');
    device.release();
    await mediator.finished(13);
    await mediator.stop();
    const served = mediator.logged('request finished').map(({ slot }) => String(slot));
    // Three of the flood were queued before it, and one may have been admitted in the meantime.
    expect(served.indexOf('equal')).toBeLessThanOrEqual(4);
    expect(new Set(served).size).toBe(13);
  });

  it('serves no lower priority while a higher one waits on disk, beyond its queue limit', async () => {
    const backlog = 2500;
    const mediator = await MediatorProcess.serving(root);
    for (let index = 0; index < backlog; index += 1) {
      // At once they would be a flood, of which a sweep would find the rest.
      if (index % 100 === 0) await sleep(5);
      root.drop(1, `high${index}`, 'A:2:1:1:1\n');
    }
    root.drop(2, 'medium', 'B:1:2:1:1\n');
    const served = () => mediator.logged('request finished').map(({ slot }) => String(slot));
    await mediator.finished(backlog + 1);
    await mediator.stop();
    expect(served().indexOf('medium')).toBe(backlog);
  });
});
