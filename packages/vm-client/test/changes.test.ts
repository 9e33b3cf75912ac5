import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { watchOrPoll } from '../src/channel.js';
import type { Change, Changes } from '../src/changes.js';
import { PolledChanges } from '../src/polled-changes.js';
import type { OnChange } from '@vgpu/linux';
import { WatchedChanges } from '../src/watched-changes.js';
import { errnoError } from './faulty-share.js';

let directory: string;
let changes: Changes;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'vgpu-changes-'));
});
afterEach(() => {
  changes.close();
  fs.rmSync(directory, { recursive: true });
});

/** Whether the change happens within this many milliseconds. */
async function happensWithin(change: Change, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const happened = await Promise.race([change.happened().then(() => true), late]);
  clearTimeout(timer);
  return happened;
}

describe.each([
  ['WatchedChanges', () => new WatchedChanges(directory)],
  ['PolledChanges', () => new PolledChanges()],
])('%s', (_name, open) => {
  beforeEach(() => {
    changes = open();
  });

  test('tells of a file that is renamed into place', async () => {
    const change = changes.of('response.txt');
    // Before the watched changes look without an event, after 1000 ms.
    const happened = happensWithin(change, 900);
    fs.writeFileSync(path.join(directory, 'new'), '300\n');
    fs.renameSync(path.join(directory, 'new'), path.join(directory, 'response.txt'));
    expect(await happened).toBe(true);
    change.stop();
  });

  test('stops waiting at once when stopped, and ever after', async () => {
    const change = changes.of('response.txt');
    const happened = happensWithin(change, 500);
    change.stop();
    expect(await happened).toBe(true);
    expect(await happensWithin(change, 500)).toBe(true);
    expect(await happensWithin(change, 500)).toBe(true);
  });

  test('comes back without an event too', async () => {
    const change = changes.of('response.txt');
    expect(await happensWithin(change, 30_000)).toBe(true);
    change.stop();
  });
});

describe('PolledChanges', () => {
  beforeEach(() => {
    jest.useFakeTimers();
    changes = new PolledChanges();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** A change after a wait that is long enough for polls 50 ms apart. */
  async function waitedFor(): Promise<Change> {
    const change = changes.of('response.txt');
    const first = change.happened();
    await jest.advanceTimersByTimeAsync(10_000);
    await first;
    return change;
  }

  test('looks after its delay and not before', async () => {
    const change = await waitedFor();
    const looked = jest.fn();
    void change.happened().then(looked);
    await jest.advanceTimersByTimeAsync(49);
    expect(looked).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect(looked).toHaveBeenCalledTimes(1);
  });

  test('needs no more time once stopped, and keeps no timer', async () => {
    const change = await waitedFor();
    const happened = change.happened();
    change.stop();
    await happened;
    await change.happened();
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('WatchedChanges', () => {
  /** A watcher whose events the test makes. */
  function inert() {
    const close = jest.fn();
    let emit: OnChange = () => undefined;
    changes = new WatchedChanges(directory, (_directory, _filter, onChange) => {
      emit = onChange;
      return { close };
    });
    return { close, emit };
  }

  test('does not forget what happens between two looks', async () => {
    const { emit } = inert();
    const change = changes.of('response-a.txt');
    emit(['response-a.txt'], 0, false);
    expect(await happensWithin(change, 500)).toBe(true);
    expect(await happensWithin(change, 100)).toBe(false);
  });

  test('tells each file of its own changes only', async () => {
    const { emit } = inert();
    const [a, b] = [changes.of('response-a.txt'), changes.of('response-b.txt')];
    emit(['response-b.txt', 'request-a.txt'], 0, false);
    expect(await happensWithin(a, 100)).toBe(false);
    expect(await happensWithin(b, 500)).toBe(true);
  });

  test('tells all where events are lost', async () => {
    const { emit } = inert();
    const both = [changes.of('response-a.txt'), changes.of('response-b.txt')];
    emit([], 0, true);
    expect(await Promise.all(both.map((change) => happensWithin(change, 500)))).toEqual([
      true,
      true,
    ]);
  });

  test('closes the watch', () => {
    const { close } = inert();
    changes.close();
    expect(close).toHaveBeenCalledTimes(1);
  });
});

describe('watchOrPoll', () => {
  test('watches where it can', () => {
    changes = watchOrPoll(directory);
    expect(changes).toBeInstanceOf(WatchedChanges);
  });

  test.each(['ENOSPC', 'EMFILE'] as const)('polls where watching fails with %s', (name) => {
    changes = watchOrPoll(directory, () => {
      throw errnoError(name);
    });
    expect(changes).toBeInstanceOf(PolledChanges);
  });
});
