import { execFileSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ErrorCode } from '@vgpu/protocol';
import fc from 'fast-check';
import { Channel, openChannel } from '../src/channel.js';
import { RequestRejectedError, VgpuClient, VgpuError } from '../src/index.js';
import type { ClientOptions } from '../src/index.js';
import { LocalShare } from '../src/local-share.js';
import { NetworkShare } from '../src/network-share.js';
import { PolledChanges } from '../src/polled-changes.js';
import { WatchedChanges } from '../src/watched-changes.js';
import { answer, answerSum, FakeMediator, neverAnswer, sumOf } from './fake-mediator.js';

/** Long enough for a machine under load: a test that needs it has failed. */
const PATIENCE_MS = 5 * 60_000;

let mediator: FakeMediator;
let clients: VgpuClient[];

beforeEach(() => {
  mediator = new FakeMediator();
  clients = [];
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  mediator.close();
});

type Open = (directory: string) => Promise<Channel>;

function connect(options: Partial<ClientOptions> = {}, open?: Open): VgpuClient {
  const all = { root: mediator.root, vmId: 1, timeoutMs: PATIENCE_MS, ...options };
  const client = open === undefined ? new VgpuClient(all) : new VgpuClient(all, open);
  clients.push(client);
  return client;
}

const failing = (code: string, more: object = {}) => expect.objectContaining({ code, ...more });

/** How many directories this process watches: inotify(7) tells in /proc/<pid>/fdinfo. */
function inotifyWatches(): number {
  return fs.readdirSync('/proc/self/fdinfo').reduce((count, fd) => {
    try {
      const info = fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
      return count + (info.match(/^inotify /gm)?.length ?? 0);
    } catch {
      return count;
    }
  }, 0);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const local: Open = (directory) =>
  Promise.resolve(new Channel(new LocalShare(directory), new WatchedChanges(directory)));
const network: Open = (directory) =>
  Promise.resolve(new Channel(new NetworkShare(directory), new PolledChanges()));
const localPolled: Open = (directory) =>
  Promise.resolve(new Channel(new LocalShare(directory), new PolledChanges()));

describe.each([
  ['on a local share', local],
  ['on a network share', network],
  ['on a local share where watches have run out', localPolled],
])('%s', (_name, open) => {
  afterEach(() => {
    // Whatever a test does, nothing of it may stay.
    expect(mediator.files()).toEqual([]);
  });

  test('adds numbers', async () => {
    const client = connect({}, open);
    expect(await client.add(100, 200)).toBe(300);
    expect(await client.add(0, -0)).toBe(0);
    expect(await client.add(-2147483648, -1)).toBe(2147483647);
  });

  test('adds vectors', async () => {
    const client = connect({}, open);
    const sum = await client.addVectors(Int32Array.of(1, 2, 3), Int32Array.of(10, 20, -30));
    expect([...sum]).toEqual([11, 22, -27]);
  });

  test('sends the line of the protocol, with pool, priority and VM', async () => {
    const client = connect({ pool: 'B', priority: 0 }, open);
    await client.add(1, 2);
    await client.add(1, 2, { priority: 2 });
    expect(mediator.seen).toEqual(['B:0:1:1:2\n', 'B:2:1:1:2\n']);
  });

  test('serves 200 calls at once, each with its own answer', async () => {
    const client = connect({}, open);
    const numbers = Array.from({ length: 200 }, (_, index) => index);
    const sums = await Promise.all(numbers.map((number) => client.add(number, 1000)));
    expect(sums).toEqual(numbers.map((number) => number + 1000));
  });

  test('says which slot it used and how long the answer took', async () => {
    const names: string[] = [];
    mediator.behaviour = async (found) => {
      names.push(path.basename(found.response));
      await pause(30);
      answerSum(found);
    };
    const client = connect({}, open);
    const operands = { a: Int32Array.of(1), b: Int32Array.of(2) };
    const replies = [await client.request(operands), await client.request(operands)];
    for (const [index, { sum, slot, waitMs }] of replies.entries()) {
      expect([...sum]).toEqual([3]);
      expect(slot).toMatch(/^[A-Za-z0-9_-]{36}$/);
      expect(names[index]).toBe(`response-${slot}.txt`);
      expect(waitMs).toBeGreaterThan(20);
      expect(waitMs).toBeLessThan(PATIENCE_MS);
    }
    expect(new Set(names).size).toBe(2);
  });

  test('creates the empty response before the request', async () => {
    let before: string | undefined;
    mediator.behaviour = (found) => {
      before = fs.readFileSync(found.response, 'utf8');
      answerSum(found);
    };
    await connect({}, open).add(1, 2);
    expect(before).toBe('');
  });

  test('waits for the whole answer', async () => {
    mediator.behaviour = async ({ response, put, clear }) => {
      for (const part of ['', '1', '12']) {
        fs.writeFileSync(response, part);
        await pause(30);
      }
      put('123\n');
      clear();
    };
    expect(await connect({}, open).add(100, 23)).toBe(123);
  });

  test('waits while the response is absent', async () => {
    mediator.behaviour = async (found) => {
      fs.rmSync(found.response);
      await pause(50);
      answerSum(found);
    };
    expect(await connect({}, open).add(1, 2)).toBe(3);
  });

  test.each(ErrorCode.options)('turns %s into an error of that code', async (code) => {
    mediator.behaviour = answer(`ERROR:${code}:why: because\n`);
    const error: unknown = await connect({}, open)
      .add(1, 2)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RequestRejectedError);
    expect(error).toMatchObject({ code, text: 'why: because' });
  });

  test.each([
    ['no number', 'three\n'],
    ['another length', '1,2\n'],
    ['an unknown code', 'ERROR:NO_IDEA:x\n'],
    ['too long', `${'1,'.repeat(40_000)}1\n`],
    ['two lines', '1\n2\n'],
  ])('refuses an answer that is %s', async (_what, text) => {
    mediator.behaviour = answer(text);
    await expect(connect({}, open).add(1, 2)).rejects.toEqual(failing('BAD_RESPONSE'));
  });

  test('follows no link in the place of the answer', async () => {
    const secret = path.join(mediator.root, 'secret');
    fs.writeFileSync(secret, '42\n');
    mediator.behaviour = ({ response, clear }) => {
      fs.symlinkSync(secret, `${response}.link`);
      fs.renameSync(`${response}.link`, response);
      clear();
    };
    await expect(connect({}, open).add(1, 2)).rejects.toEqual(failing('BAD_RESPONSE'));
    expect(fs.existsSync(secret)).toBe(true);
  });

  test('is not blocked by a FIFO in the place of the answer', async () => {
    mediator.behaviour = ({ response }) => {
      execFileSync('mkfifo', [`${response}.fifo`]);
      fs.renameSync(`${response}.fifo`, response);
    };
    await expect(connect({ timeoutMs: 200 }, open).add(1, 2)).rejects.toEqual(failing('TIMEOUT'));
  });

  test('gives up after its time, and says what to do', async () => {
    mediator.behaviour = neverAnswer;
    const started = performance.now();
    await expect(connect({ timeoutMs: 100 }, open).add(1, 2)).rejects.toEqual(
      failing('TIMEOUT', { message: expect.stringMatching(/vm1 within 100 ms; check that/) }),
    );
    expect(performance.now() - started).toBeGreaterThan(90);
  });

  test('has a time limit for each call', async () => {
    mediator.behaviour = neverAnswer;
    const client = connect({}, open);
    await expect(client.add(1, 2, { timeoutMs: 50 })).rejects.toEqual(failing('TIMEOUT'));
  });

  test('withdraws what the caller aborts', async () => {
    mediator.behaviour = neverAnswer;
    const controller = new AbortController();
    const call = connect({}, open).add(1, 2, { signal: controller.signal });
    await mediator.sawRequests();
    controller.abort('no need');
    await expect(call).rejects.toEqual(
      failing('ABORTED', { name: 'AbortError', cause: 'no need' }),
    );
  });

  test('withdraws a call that is aborted before it sends', async () => {
    const signal = AbortSignal.abort('too late');
    const call = connect({}, open).add(1, 2, { signal });
    await expect(call).rejects.toEqual(failing('ABORTED', { cause: 'too late' }));
    expect(mediator.seen).toEqual([]);
  });

  test('takes one signal for many calls, and lets go of it', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    const controller = new AbortController();
    const client = connect({}, open);
    const call = (signal: AbortSignal) =>
      Promise.allSettled(Array.from({ length: 30 }, () => client.add(1, 2, { signal })));
    await call(controller.signal);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    mediator.behaviour = neverAnswer;
    const calls = call(controller.signal);
    await mediator.sawRequests(60);
    controller.abort();
    const results = await calls;
    expect(results.map((result) => result.status)).toEqual(Array(30).fill('rejected'));
    await pause(0);
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  test('withdraws everything when closed', async () => {
    mediator.behaviour = neverAnswer;
    const client = connect({}, open);
    const calls = Promise.allSettled([client.add(1, 2), client.add(3, 4), client.add(5, 6)]);
    await mediator.sawRequests(3);
    await client.close();
    expect(mediator.files()).toEqual([]);
    for (const result of await calls) {
      expect(result).toEqual({ status: 'rejected', reason: failing('CLOSED') });
    }
  });

  test('calls nothing after it was closed', async () => {
    const client = connect({}, open);
    await client.add(1, 2);
    await client.close();
    await client.close();
    await expect(client.add(1, 2)).rejects.toEqual(failing('CLOSED'));
    expect(mediator.seen).toHaveLength(1);
  });

  test('withdraws a call that is closed while it begins', async () => {
    const client = connect({}, open);
    const call = client.add(1, 2).catch((error: unknown) => error);
    await client.close();
    expect(await call).toEqual(failing('CLOSED'));
    expect(mediator.files()).toEqual([]);
  });
});

describe('options', () => {
  test.each([
    ['root', { root: '' }],
    ['root', { root: 'a\0b' }],
    ['vmId', { vmId: 0 }],
    ['vmId', { vmId: 4294967296 }],
    ['vmId', { vmId: 1.5 }],
    ['pool', { pool: 'C' }],
    ['priority', { priority: 3 }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['timeoutMs', { timeoutMs: NaN }],
    ['timeoutMs', { timeoutMs: 2 ** 31 }],
    ['plain', { plain: 'yes' }],
  ])('a bad %s is refused: %j', (name, options) => {
    expect(() => connect(options as Partial<ClientOptions>)).toThrow(
      failing('INVALID_OPTION', {
        message: expect.stringContaining(`${name}: expected `),
      }),
    );
  });

  test.each([
    ['priority', { priority: 3 }],
    ['timeoutMs', { timeoutMs: -1 }],
  ])('a bad %s of a call is refused, and nothing sent', async (name, options) => {
    const call = connect().add(1, 2, options as object);
    await expect(call).rejects.toEqual(
      failing('INVALID_OPTION', { message: expect.stringContaining(name) }),
    );
    expect(mediator.seen).toEqual([]);
  });

  test('undefined is as good as left out', async () => {
    const client = connect({ pool: undefined, priority: undefined, plain: undefined });
    await client.add(1, 2, { signal: undefined, timeoutMs: undefined, priority: undefined });
    expect(mediator.seen).toEqual(['A:1:1:1:2\n']);
  });
});

describe('operands', () => {
  test('that are no int32 are refused before anything is written', async () => {
    const client = connect();
    const bad = [1.5, NaN, Infinity, 2 ** 31, -(2 ** 31) - 1, '5', null, undefined, 5n];
    for (const value of bad as number[]) {
      await expect(client.add(value, 1)).rejects.toEqual(failing('OUT_OF_RANGE'));
      await expect(client.add(1, value)).rejects.toEqual(failing('OUT_OF_RANGE'));
    }
    expect(mediator.files()).toEqual([]);
    expect(mediator.seen).toEqual([]);
  });

  test.each([
    ['differ in length', 'LENGTH_MISMATCH', new Int32Array(1), new Int32Array(2)],
    ['are empty', 'BAD_REQUEST', new Int32Array(0), new Int32Array(0)],
    ['are no Int32Array', 'BAD_REQUEST', [1], [2]],
    ['are too long', 'TOO_LARGE', new Int32Array(20_000), new Int32Array(20_000)],
  ])('that %s are refused', async (_what, code, a, b) => {
    await expect(connect().addVectors(a as Int32Array, b as Int32Array)).rejects.toEqual(
      failing(code),
    );
    expect(mediator.seen).toEqual([]);
  });

  test('add like int32 whatever they are', async () => {
    const client = connect();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer(), fc.integer()), { minLength: 1 }),
        async (pairs) => {
          const a = Int32Array.from(pairs, ([left]) => left);
          const b = Int32Array.from(pairs, ([, right]) => right);
          const expected = pairs.map(([left, right]) => (left + right) | 0);
          expect([...(await client.addVectors(a, b))]).toEqual(expected);
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('the share', () => {
  test('that is not there is named', async () => {
    await expect(connect({ vmId: 2 }).add(1, 2)).rejects.toEqual(
      failing('SHARE_UNAVAILABLE', { message: expect.stringMatching(/\/vm2:.*mount/) }),
    );
    await expect(connect({ root: `${mediator.root}/no` }).add(1, 2)).rejects.toEqual(
      failing('SHARE_UNAVAILABLE', { message: expect.stringContaining('/no/vm1') }),
    );
  });

  test('that is not a directory is named', async () => {
    fs.writeFileSync(path.join(mediator.root, 'vm2'), '');
    await expect(connect({ vmId: 2 }).add(1, 2)).rejects.toEqual(
      failing('SHARE_UNAVAILABLE', {
        message: expect.stringMatching(/vm2: it is not a directory/),
      }),
    );
  });

  test('may appear after the first call', async () => {
    const client = connect();
    fs.renameSync(mediator.directory, `${mediator.directory}-away`);
    mediator.files = () => [];
    await expect(client.add(1, 2)).rejects.toEqual(failing('SHARE_UNAVAILABLE'));
    fs.renameSync(`${mediator.directory}-away`, mediator.directory);
    mediator.files = () => fs.readdirSync(mediator.directory);
    expect(await client.add(1, 2)).toBe(3);
  });

  test('is watched by one watch for all calls, until the client is idle', async () => {
    const before = inotifyWatches();
    mediator.behaviour = neverAnswer;
    const client = connect();
    const calls = Promise.all([1, 2, 3].map((number) => client.add(number, 0)));
    await mediator.sawRequests(3);
    expect(inotifyWatches()).toBe(before + 1);
    for (const name of mediator.files().filter((file) => file.startsWith('response'))) {
      mediator.write(name, '7\n');
      fs.rmSync(mediator.path(name.replace('response', 'request')));
    }
    expect(await calls).toEqual([7, 7, 7]);
    const isIdle = async () => {
      const due = performance.now() + PATIENCE_MS;
      while (inotifyWatches() > before && performance.now() < due) await pause(50);
      return inotifyWatches() === before;
    };
    expect(await isIdle()).toBe(true);
    mediator.behaviour = answerSum;
    expect(await client.add(1, 2)).toBe(3);
    expect(await isIdle()).toBe(true);
  });

  test('is listened to: calls do not wait for the look once a second', async () => {
    const client = connect();
    const started = performance.now();
    for (let number = 0; number < 20; number += 1) await client.add(number, 1);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('is watched no more when the client is closed', async () => {
    const before = inotifyWatches();
    const client = connect();
    await client.add(1, 2);
    expect(inotifyWatches()).toBe(before + 1);
    await client.close();
    // Within the callback of an event, libuv puts the removal of a watch off until its end.
    await pause(0);
    expect(inotifyWatches()).toBe(before);
  });
});

test('errors are instances of the exported class', async () => {
  mediator.behaviour = neverAnswer;
  const error: unknown = await connect({ timeoutMs: 20 })
    .add(1, 2)
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(VgpuError);
});

test('the fake answers with the sum', () => {
  expect(sumOf({ pool: 'A', priority: 1, vm: 1, a: Int32Array.of(1), b: Int32Array.of(2) })).toBe(
    '3\n',
  );
});

describe('a directory that is replaced while calls overlap', () => {
  test.each([
    [
      'renamed',
      () => {
        fs.renameSync(mediator.directory, `${mediator.directory}-old`);
      },
    ],
    [
      'removed, so that its number may be given to the next one',
      () => {
        fs.rmSync(mediator.directory, { recursive: true });
      },
    ],
  ])(
    'is opened again after it was %s',
    async (_how, takeAway) => {
      let opened = 0;
      const client = connect({ timeoutMs: 1000 }, (directory) => {
        opened += 1;
        return openChannel(directory);
      });
      let isOver = false;
      // There is never a moment without a call, in which the client would let go of the directory.
      const calls = [1, 2].map(async (number) => {
        while (!isOver) await client.add(number, number).catch(() => undefined);
      });
      await mediator.sawRequests(2);
      const before = mediator.seen.length;
      takeAway();
      fs.mkdirSync(mediator.directory);
      await mediator.sawRequests(before + 2);
      while (opened < 2) await pause(10);
      // The watch on the directory that is gone ends with the last call that waits for it.
      while (inotifyWatches() !== 1) await pause(10);
      expect(await client.add(3, 4)).toBe(7);
      isOver = true;
      await Promise.all(calls);
      await client.close();
      expect(inotifyWatches()).toBe(0);
    },
    60_000,
  );
});
