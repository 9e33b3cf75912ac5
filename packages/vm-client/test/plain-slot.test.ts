import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Channel } from '../src/channel.js';
import { VgpuClient } from '../src/index.js';
import { LocalShare } from '../src/local-share.js';
import { NetworkShare } from '../src/network-share.js';
import { PolledChanges } from '../src/polled-changes.js';
import { WatchedChanges } from '../src/watched-changes.js';
import { answerSum, FakeMediator, neverAnswer, sumOf } from './fake-mediator.js';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const failing = (code: string, more: object = {}) => expect.objectContaining({ code, ...more });

describe.each([
  ['local', (where: string) => new Channel(new LocalShare(where), new WatchedChanges(where))],
  ['network', (where: string) => new Channel(new NetworkShare(where), new PolledChanges())],
])('the plain slot of a %s share', (_name, open) => {
  let mediator: FakeMediator;
  let client: VgpuClient;

  beforeEach(() => {
    mediator = new FakeMediator();
    const options = { root: mediator.root, vmId: 1, plain: true, timeoutMs: 20_000 };
    client = new VgpuClient(options, (directory) => Promise.resolve(open(directory)));
  });
  afterEach(async () => {
    await client.close();
    mediator.close();
  });

  test('takes calls one after the other', async () => {
    let open = 0;
    let most = 0;
    mediator.behaviour = async (found) => {
      most = Math.max(most, (open += 1));
      await pause(10);
      open -= 1;
      answerSum(found);
    };
    const sums = await Promise.all([1, 2, 3, 4, 5].map((number) => client.add(number, 10)));
    expect(sums).toEqual([11, 12, 13, 14, 15]);
    expect(most).toBe(1);
    expect(mediator.seen).toEqual([1, 2, 3, 4, 5].map((number) => `A:1:1:${number}:10\n`));
    expect(mediator.files()).toEqual([]);
  });

  test('uses the plain names', async () => {
    mediator.behaviour = neverAnswer;
    const call = client.request({ a: Int32Array.of(1), b: Int32Array.of(2) });
    await mediator.sawRequests();
    expect(mediator.files().sort()).toEqual(['request.txt', 'response.txt']);
    fs.rmSync(mediator.path('request.txt'));
    mediator.write('response.txt', '3\n');
    expect(await call).toMatchObject({ slot: '.' });
  });

  test('is refused while somebody else uses it, and left alone', async () => {
    mediator.behaviour = neverAnswer;
    mediator.write('request.txt', 'A:1:1:5:5');
    mediator.write('response.txt', 'theirs');
    await expect(client.add(1, 2)).rejects.toEqual(failing('SLOT_BUSY'));
    expect(fs.readFileSync(mediator.path('request.txt'), 'utf8')).toBe('A:1:1:5:5');
    expect(fs.readFileSync(mediator.path('response.txt'), 'utf8')).toBe('theirs');
  });

  test('is refused where something else stands in its place', async () => {
    fs.symlinkSync('/etc/hostname', mediator.path('request.txt'));
    mediator.behaviour = neverAnswer;
    await expect(client.add(1, 2)).rejects.toEqual(failing('SLOT_BUSY'));
  });

  test('is taken over empty, with the answer that nobody fetched', async () => {
    mediator.write('request.txt', '');
    mediator.write('response.txt', '99\n');
    expect(await client.add(1, 2)).toBe(3);
    expect(mediator.files()).toEqual([]);
  });

  test('is waited for until the mediator has cleared it', async () => {
    mediator.behaviour = async ({ request, put, clear }) => {
      put(sumOf(request));
      await pause(100);
      clear();
    };
    expect(await client.add(1, 2)).toBe(3);
    expect(mediator.files()).toEqual([]);
    expect(await client.add(3, 4)).toBe(7);
  });

  test('is cleared for a mediator that died after its answer', async () => {
    mediator.behaviour = ({ request, put }) => {
      put(sumOf(request));
    };
    expect(await client.add(1, 2)).toBe(3);
    expect(mediator.files()).toEqual([]);
  });

  test('is not taken for answered by a response to an earlier request', async () => {
    mediator.behaviour = async ({ request, put, clear }) => {
      put('99\n');
      fs.utimesSync(mediator.path('response.txt'), 1, 1);
      await pause(700);
      put(sumOf(request));
      clear();
    };
    expect(await client.add(1, 2)).toBe(3);
    mediator.behaviour = ({ put }) => {
      put('99\n');
      fs.utimesSync(mediator.path('response.txt'), 1, 1);
    };
    await expect(client.add(1, 2, { timeoutMs: 700 })).rejects.toEqual(failing('TIMEOUT'));
    expect(mediator.files()).toEqual([]);
  });

  test('is left to the next one who uses it', async () => {
    mediator.behaviour = ({ request, put }) => {
      mediator.behaviour = neverAnswer;
      mediator.write('request.txt', 'A:1:1:5:5\n');
      put(sumOf(request));
    };
    expect(await client.add(1, 2)).toBe(3);
    expect(mediator.files()).toEqual(['request.txt']);
  });

  test('is free for the next call after a time-out', async () => {
    mediator.behaviour = neverAnswer;
    await expect(client.add(1, 2, { timeoutMs: 50 })).rejects.toEqual(failing('TIMEOUT'));
    expect(mediator.files()).toEqual([]);
    mediator.behaviour = answerSum;
    expect(await client.add(3, 4)).toBe(7);
  });

  test('lets a call give up while it waits for its turn', async () => {
    mediator.behaviour = neverAnswer;
    const first = client.add(1, 2).catch((error: unknown) => error);
    await mediator.sawRequests();
    const second = client.add(3, 4, { timeoutMs: 50 });
    const third = client.add(5, 6, { signal: AbortSignal.abort() });
    await expect(third).rejects.toEqual(failing('ABORTED'));
    const message = expect.stringMatching(/wait longer$/);
    await expect(second).rejects.toEqual(failing('TIMEOUT', { message }));
    // A call after those that gave up still waits for the first.
    const fourth = client.add(7, 8).catch((error: unknown) => error);
    await pause(30);
    expect(mediator.seen).toHaveLength(1);
    await client.close();
    expect(await first).toEqual(failing('CLOSED'));
    expect(await fourth).toEqual(failing('CLOSED'));
    expect(mediator.files()).toEqual([]);
  });
});
