/** The same calls by the addon and by Node alone. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { DirectoryCalls } from '../../src/spool/directory-calls.js';
import { addonIfAny } from '@vgpu/linux';
import { NativeCalls } from '../../src/spool/native-calls.js';
import { testAsRoot } from '../../../../tests/support/describe-if.js';
import { ProcCalls } from '../../src/spool/proc-calls.js';
import { makeFifo, makeSocket } from '../support/hostile.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';
import { until } from '../support/until.js';

const { O_DIRECTORY } = fs.constants;
const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
const OWN = { uid: BigInt(uid), gid: BigInt(gid), mode: 0o644 };
const bytes = Buffer.alloc(64);

let path: string;
let directory: number;
let calls: DirectoryCalls;
const at = (name: string) => join(path, name);

beforeEach(() => {
  path = temporaryDirectory();
  directory = fs.openSync(path, O_DIRECTORY);
});
afterEach(() => {
  fs.closeSync(directory);
  expect(openBelow(path)).toEqual([]);
});

const failingWith = (code: string): unknown => expect.objectContaining({ code });

test('names are exchanged, or given if they are new, by the addon only', () => {
  const byAddon = callsByAddon();
  fs.writeFileSync(at('a'), 'A');
  fs.writeFileSync(at('b'), 'B');
  byAddon.exchange('a', 'b');
  expect(fs.readFileSync(at('a'), 'latin1')).toBe('B');
  byAddon.renameNew('a', 'c');
  expect(() => {
    byAddon.renameNew('b', 'c');
  }).toThrow(failingWith('EEXIST'));
  expect(() => {
    byAddon.exchange('b', 'absent');
  }).toThrow(failingWith('ENOENT'));
  const byNode = new ProcCalls(`/proc/self/fd/${directory}`);
  expect(() => {
    byNode.renameNew('b', 'd');
  }).toThrow(failingWith('ENOSYS'));
  expect(fs.readdirSync(path).sort()).toEqual(['b', 'c']);
});

function callsByAddon(): DirectoryCalls {
  const addon = addonIfAny();
  // Not to be skipped unnoticed.
  if (addon === undefined) throw new Error('there is no addon for this machine');
  return new NativeCalls(addon, directory, path);
}

describe.each<[string, () => DirectoryCalls]>([
  ['by the addon', callsByAddon],
  ['by Node alone', () => new ProcCalls(`/proc/self/fd/${directory}`)],
])('calls %s', (_name, open) => {
  beforeEach(() => {
    calls = open();
  });

  function read(name: string): string {
    return bytes.toString('latin1', 0, calls.read(name, bytes).bytes);
  }

  test('stat names of every kind as lstat(2) does', () => {
    fs.writeFileSync(at('file'), 'A\n');
    fs.utimesSync(at('file'), 1, -1.5);
    fs.linkSync(at('file'), at('second name'));
    fs.symlinkSync('file', at('link'));
    fs.mkdirSync(at('directory'));
    makeFifo(at('fifo'));
    makeSocket(at('socket'));
    const types = ['isFile', 'isDirectory', 'isSymbolicLink', 'isFIFO', 'isSocket'] as const;
    for (const name of ['file', 'link', 'directory', 'fifo', 'socket']) {
      const expected = fs.lstatSync(at(name), { bigint: true });
      const stats = calls.lstat(name);
      const { dev, ino, mode, nlink, size, blocks, mtimeNs, ctimeNs } = expected;
      expect({ name, ...stats }).toMatchObject({
        ...{ name, dev, ino, mode, nlink, size, blocks, mtimeNs, ctimeNs },
        ...{ uid: expected.uid, gid: expected.gid },
      });
      for (const type of types) {
        expect([name, type, stats?.[type]()]).toEqual([name, type, expected[type]()]);
      }
    }
    expect(calls.lstat('absent')).toBeUndefined();
  });

  test('read a file of at most as many bytes as there is room for', () => {
    fs.writeFileSync(at('short'), 'A:2:1:100:200\n');
    fs.writeFileSync(at('full'), 'x'.repeat(64));
    fs.writeFileSync(at('long'), 'x'.repeat(65));
    fs.writeFileSync(
      at('any'),
      Uint8Array.from({ length: 64 }, (_, index) => 4 * index),
    );
    expect(read('short')).toBe('A:2:1:100:200\n');
    expect(read('full')).toBe('x'.repeat(64));
    expect(read('any')).toBe(fs.readFileSync(at('any'), 'latin1'));
    expect(calls.read('long', bytes)).toMatchObject({ bytes: 0, stats: { size: 65n } });
  });

  test('read no irregular file and none with a second name; no call blocks', () => {
    fs.writeFileSync(at('file'), 'secret\n');
    fs.utimesSync(at('file'), 1000, 2000);
    fs.linkSync(at('file'), at('second name'));
    fs.symlinkSync('file', at('link'));
    makeFifo(at('fifo'));
    fs.mkdirSync(at('directory'));
    makeSocket(at('socket'));
    for (const name of ['second name', 'fifo', 'directory']) {
      expect([name, calls.read(name, bytes).bytes]).toEqual([name, 0]);
    }
    expect(fs.statSync(at('file')).atimeMs).toBe(1_000_000);
    expect(() => calls.read('link', bytes)).toThrow(failingWith('ELOOP'));
    expect(() => calls.read('socket', bytes)).toThrow(failingWith('ENXIO'));
    expect(() => calls.read('absent', bytes)).toThrow(failingWith('ENOENT'));
  });

  test('create a file with its attributes, whatever the umask', () => {
    const umask = process.umask(0o077);
    try {
      for (const content of ['', '300\n', '-2147483648,'.repeat(20_000)]) {
        const attributes = { ...OWN, mode: 0o666, mtimeNs: 1_234_567_000_000n };
        calls.create('response', content, attributes);
        const { mode, mtimeMs } = fs.statSync(at('response'));
        expect({ mode: mode & 0o777, mtimeMs }).toEqual({ mode: 0o666, mtimeMs: 1_234_567 });
        expect(fs.readFileSync(at('response'), 'latin1') === content).toBe(true);
        fs.unlinkSync(at('response'));
      }
    } finally {
      process.umask(umask);
    }
  });

  test('create no file over another, nor through a link', () => {
    fs.writeFileSync(at('taken'), 'before');
    fs.symlinkSync(at('elsewhere'), at('link'));
    for (const name of ['taken', 'link']) {
      expect(() => {
        calls.create(name, 'x', OWN);
      }).toThrow(failingWith('EEXIST'));
    }
    expect(fs.readFileSync(at('taken'), 'latin1')).toBe('before');
    expect(fs.existsSync(at('elsewhere'))).toBe(false);
  });

  testAsRoot('give a file away', () => {
    calls.create('response', '300\n', { uid: 4_000_000_000n, gid: 65_534n, mode: 0o600 });
    expect(fs.statSync(at('response'))).toMatchObject({ uid: 4_000_000_000, gid: 65_534 });
  });

  test('open, rename, link and remove names', async () => {
    fs.writeFileSync(at('a'), 'A');
    calls.rename('a', 'b');
    calls.link('b', 'c');
    const fd = calls.open('c');
    expect(fs.readFileSync(fd, 'latin1')).toBe('A');
    fs.closeSync(fd);
    calls.removeLater('b');
    calls.removeLater('absent');
    fs.mkdirSync(at('d'));
    calls.removeDirectoryLater('d');
    await until('the thread', () => calls.outstanding === 0);
    expect(fs.readdirSync(path)).toEqual(['c']);
  });

  test('remove later no directory by mistake, nor one with content', async () => {
    fs.mkdirSync(at('directory'));
    fs.mkdirSync(at('full'));
    fs.writeFileSync(join(at('full'), 'inside'), '');
    fs.writeFileSync(at('file'), '');
    calls.removeLater('directory');
    calls.removeDirectoryLater('full');
    calls.removeDirectoryLater('file');
    await until('the thread', () => calls.outstanding === 0);
    expect(fs.readdirSync(path).sort()).toEqual(['directory', 'file', 'full']);
  });

  test('hold a file of every kind and without permission, and close it later', async () => {
    fs.writeFileSync(at('file'), 'A', { mode: 0 });
    fs.symlinkSync('file', at('link'));
    makeFifo(at('fifo'));
    makeSocket(at('socket'));
    for (const name of ['file', 'link', 'fifo', 'socket']) {
      const held = calls.hold(name);
      expect([name, fs.fstatSync(held).ino]).toEqual([name, fs.lstatSync(at(name)).ino]);
      calls.closeLater(held);
    }
    await until('the thread', () => calls.outstanding === 0 && openBelow(path).length === 1);
  });

  test('close a file they have read later, if it takes time to free', async () => {
    const large = Buffer.alloc(65_536);
    fs.writeFileSync(at('large'), large.fill('x'));
    expect(calls.read('large', large).bytes).toBe(65_536);
    await until('its close', () => openBelow(path).length === 1);
  });

  test('open neither follows a link nor waits for the writer of a FIFO', () => {
    fs.writeFileSync(at('file'), '');
    fs.symlinkSync('file', at('link'));
    makeFifo(at('fifo'));
    expect(() => calls.open('link')).toThrow(failingWith('ELOOP'));
    fs.closeSync(calls.open('fifo'));
  });

  test.each<[string, string, () => void]>([
    ['open', 'ENOENT', () => calls.open('absent')],
    [
      'rename',
      'ENOENT',
      () => {
        calls.rename('absent', 'b');
      },
    ],
    [
      'rename',
      'EISDIR',
      () => {
        calls.rename('file', 'directory');
      },
    ],
    [
      'link',
      'EEXIST',
      () => {
        calls.link('file', 'directory');
      },
    ],
    ['lstat', 'ENAMETOOLONG', () => calls.lstat('x'.repeat(256))],
  ])('say that %s fails with %s, and where', (syscall, code, fail) => {
    fs.writeFileSync(at('file'), '');
    fs.mkdirSync(at('directory'));
    fs.writeFileSync(join(at('directory'), 'inside'), '');
    const message = expect.stringMatching(
      new RegExp(`^${code}: .+, ${syscall} '/.+/.+'`),
    ) as unknown;
    expect(fail).toThrow(expect.objectContaining({ code, syscall, message }));
  });

  test('stay in the directory, whatever has its name', () => {
    fs.writeFileSync(at('file'), 'A');
    const aside = `${path}-aside`;
    fs.renameSync(path, aside);
    fs.mkdirSync(path);
    expect(read('file')).toBe('A');
    fs.rmdirSync(path);
    fs.renameSync(aside, path);
  });
});
