/** Who may use the plain slot, by processes as users start them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as linux from '../../linux/src/addon.js';
import { testAsRoot } from '../../../tests/support/describe-if.js';

let addon: linux.NativeAddon | undefined;
jest.unstable_mockModule('../../linux/src/addon.js', () => ({ ...linux, addonIfAny: () => addon }));
const { inPlainSlot } = await import('../src/plain-slot-lock.js');

const busy = expect.objectContaining({ code: 'SLOT_BUSY' });
const nothing = () => Promise.resolve('done');

let directory: string;
let holders: ChildProcess[];

beforeEach(() => {
  addon = linux.requireAddon();
  holders = [];
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'vgpu-lock-'));
  fs.chmodSync(directory, 0o755);
});
afterEach(async () => {
  for (const holder of holders) await kill(holder);
  fs.rmSync(directory, { recursive: true });
});

/** Another program, by a mere flock(2), or by a socket as where there is no addon. */
async function hold(how: 'flock' | 'socket', uid = process.getuid?.()): Promise<ChildProcess> {
  const { dev, ino } = fs.statSync(directory, { bigint: true });
  const name = JSON.stringify(`\0vgpu-plain-${dev}-${ino}`);
  const [command, ...args] =
    how === 'flock'
      ? ['flock', '-n', directory, 'sh', '-c', 'echo held; exec cat']
      : [process.execPath, '-e', `net.createServer().listen(${name}, () => console.log('held'))`];
  const holder = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], uid, cwd: '/' });
  holders.push(holder);
  await once(createInterface(holder.stdout), 'line');
  return holder;
}

/** As a process that crashes; flock(1) passes its lock on to the program that it starts. */
async function kill(holder: ChildProcess): Promise<void> {
  holder.stdin?.end();
  if (holder.spawnfile !== 'flock') holder.kill('SIGKILL');
  if (holder.exitCode === null && holder.signalCode === null) await once(holder, 'exit');
}

const withoutAddon = () => {
  addon = undefined;
};

describe('the plain slot', () => {
  test.each<[string, () => void]>([
    ['with the addon', () => undefined],
    ['without the addon', withoutAddon],
  ])('is for one at a time, %s', async (_title, prepare) => {
    prepare();
    await inPlainSlot(directory, async () => {
      await expect(inPlainSlot(directory, nothing)).rejects.toEqual(busy);
    });
    expect(await inPlainSlot(directory, nothing)).toBe('done');
  });

  test('is free again after a task that failed', async () => {
    const failure = new Error('it failed');
    await expect(inPlainSlot(directory, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(await inPlainSlot(directory, nothing)).toBe('done');
  });

  test.each(['flock', 'socket'] as const)(
    'is refused while another program has it by its %s, and free once that was killed',
    async (how) => {
      const holder = await hold(how);
      await expect(inPlainSlot(directory, nothing)).rejects.toEqual(busy);
      await kill(holder);
      expect(await inPlainSlot(directory, nothing)).toBe('done');
    },
  );

  test('is refused to a program without the addon while one with it has the slot', async () => {
    await inPlainSlot(directory, async () => {
      withoutAddon();
      await expect(inPlainSlot(directory, nothing)).rejects.toEqual(busy);
    });
  });

  test('of another directory is another one', async () => {
    const other = fs.mkdtempSync(path.join(os.tmpdir(), 'vgpu-lock-'));
    await inPlainSlot(directory, async () => {
      expect(await inPlainSlot(other, nothing)).toBe('done');
    });
    fs.rmdirSync(other);
  });

  testAsRoot('is refused while a program of another user has it, who may not write', async () => {
    for (const how of ['flock', 'socket'] as const) {
      const holder = await hold(how, 65_534);
      await expect(inPlainSlot(directory, nothing)).rejects.toEqual(busy);
      await kill(holder);
    }
    expect(await inPlainSlot(directory, nothing)).toBe('done');
  });

  test('that is not there is no slot that is in use', async () => {
    const gone = path.join(directory, 'gone');
    await expect(inPlainSlot(gone, nothing)).rejects.toMatchObject({ code: 'SHARE_UNAVAILABLE' });
  });
});
