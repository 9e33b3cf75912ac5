/** The same calls by the addon and by Node alone. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { DirectoryCalls } from '../src/spool/directory-calls.js';
import { loadAddon, type NativeAddon } from '../src/spool/native.js';
import { NativeCalls } from '../src/spool/native-calls.js';
import { ProcCalls } from '../src/spool/proc-calls.js';
import { makeFifo, makeSocket } from './support/hostile.js';
import { temporaryDirectory } from './support/temporary-directory.js';

const isRoot = process.getuid?.() === 0;
const OWN = { uid: BigInt(process.getuid?.() ?? 0), gid: BigInt(process.getgid?.() ?? 0) };
const bytes = Buffer.alloc(64);

let path: string;
let directory: number;
const at = (name: string) => join(path, name);

beforeEach(() => {
  path = temporaryDirectory();
  directory = fs.openSync(path, fs.constants.O_DIRECTORY);
});
afterEach(() => {
  fs.closeSync(directory);
});

/** Where there is none for this machine, its tests fail: they are not to be skipped unnoticed. */
function addon(): NativeAddon {
  const loaded = loadAddon();
  if (loaded === undefined) throw new Error('there is no addon for this machine');
  return loaded;
}

const failure = (code: string) => expect.objectContaining({ code }) as Error;

describe.each<[string, () => DirectoryCalls]>([
  ['by the addon', () => new NativeCalls(addon(), directory, path)],
  ['by Node alone', () => new ProcCalls(`/proc/self/fd/${directory}`)],
])('calls %s', (_name, open) => {
  let calls: DirectoryCalls;
  beforeEach(() => {
    calls = open();
  });

  const read = (name: string) => {
    const { stats, bytes: length } = calls.read(name, bytes);
    return { text: bytes.toString('latin1', 0, length), size: Number(stats.size) };
  };

  test('look at names of every kind as lstat(2) does', async () => {
    fs.writeFileSync(at('file'), 'A\n');
    fs.utimesSync(at('file'), 1, -1.5);
    fs.linkSync(at('file'), at('second name'));
    fs.symlinkSync('file', at('link'));
    fs.mkdirSync(at('directory'));
    makeFifo(at('fifo'));
    const socket = await makeSocket(at('socket'));
    for (const name of ['file', 'link', 'directory', 'fifo', 'socket']) {
      const expected = fs.lstatSync(at(name), { bigint: true });
      const stats = calls.lstat(name);
      const { dev, ino, mode, nlink, uid, gid, size, blocks, mtimeNs, ctimeNs } = expected;
      const numbers = { dev, ino, mode, nlink, uid, gid, size, blocks, mtimeNs, ctimeNs };
      expect({ name, ...stats }).toMatchObject({ name, ...numbers });
      const types = ['isFile', 'isDirectory', 'isSymbolicLink', 'isFIFO', 'isSocket'] as const;
      for (const type of types) expect([name, type, stats?.[type]()]).toEqual([name, type, expected[type]()]);
    }
    expect(calls.lstat('absent')).toBeUndefined();
    socket?.close();
  });
});
