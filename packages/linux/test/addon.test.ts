import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { describeIf, testWherePrebuilt } from '../../../tests/support/describe-if.js';
import { environment } from '../../../tests/support/processes.js';
import { sourceHash } from '../scripts/source-hash.mjs';
import { requireAddon, type NativeAddon } from '../src/addon.js';

const packageRoot = fileURLToPath(new URL('..', import.meta.url));
const platform = `${process.platform}-${process.arch}`;

const hasTools = ['g++', 'make', 'python3'].every(
  (tool) => spawnSync(tool, ['--version']).status === 0,
);
const HOW_TO_BUILD = 'skipped: it needs g++, make and Python (apt-get install g++ make python3)';

const loadFrom = (folder: string) =>
  createRequire(import.meta.url)(path.join(folder, 'vgpu_linux.node')) as NativeAddon;

/** The addon makes arrays of another realm, which Jest takes for unequal. */
const bytesOf = (result: ReturnType<NativeAddon['readWords']>) =>
  ArrayBuffer.isView(result) ? [...result] : result;

let directory: string;
const at = (name: string) => path.join(directory, name);

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'vgpu-addon-'));
});
afterEach(() => {
  fs.rmSync(directory, { recursive: true });
});

testWherePrebuilt('the prebuilt addon is that of the sources', () => {
  const { sourceHash: hash } = loadFrom(path.join(packageRoot, 'prebuilds/linux-x64'));
  expect(hash).toBe(sourceHash(packageRoot));
});

testWherePrebuilt('the prebuilt addon needs no newer C library than Node does', () => {
  const file = path.join(packageRoot, 'prebuilds/linux-x64/vgpu_linux.node');
  const versions = fs.readFileSync(file, 'latin1').matchAll(/\0GLIBC_2\.(\d+)/g);
  const minor = Array.from(versions, ([, version]) => Number(version));
  expect(Math.max(...minor)).toBeLessThanOrEqual(28);
});

// That loads are of 32 bits shows only to a device: tests of real VMs see it there.
describe('readWords', () => {
  const { errno } = os.constants;
  const addon = requireAddon();
  const bytes = Uint8Array.from({ length: 4096 }, (_, index) => (index * 7) % 256);

  test('gives the bytes of the words, from one to a page', () => {
    fs.writeFileSync(at('bar'), bytes);
    for (const count of [1, 5, 1024]) {
      const read = bytesOf(addon.readWords(at('bar'), count));
      expect(read).toEqual([...bytes.subarray(0, 4 * count)]);
    }
  });

  test('needs no permission to write, and sees what was written since', () => {
    fs.writeFileSync(at('bar'), bytes, { mode: 0o400 });
    expect(bytesOf(addon.readWords(at('bar'), 1))).toEqual([0, 7, 14, 21]);
    const file = fs.openSync(at('bar'), 'r');
    fs.chmodSync(at('bar'), 0o600);
    fs.writeFileSync(at('bar'), Uint8Array.of(1, 2, 3, 4));
    fs.closeSync(file);
    expect(bytesOf(addon.readWords(at('bar'), 1))).toEqual([1, 2, 3, 4]);
  });

  test('maps no file that is too short: that would be a SIGBUS', () => {
    for (const size of [0, 1, 19]) {
      fs.writeFileSync(at('bar'), bytes.subarray(0, size));
      expect(addon.readWords(at('bar'), 5)).toEqual({ size });
    }
    execFileSync('mkfifo', [at('fifo')]);
    expect(addon.readWords(at('fifo'), 1)).toEqual({ size: 0 });
  });

  test('says which call failed, and how', () => {
    fs.writeFileSync(at('bar'), bytes);
    fs.symlinkSync('bar', at('link'));
    expect(addon.readWords(at('absent'), 1)).toEqual({ operation: 'open', errno: errno.ENOENT });
    expect(addon.readWords(at('link'), 1)).toEqual({ operation: 'open', errno: errno.ELOOP });
    // No directory can be mapped, but this one has a size.
    const folder = addon.readWords(path.join(packageRoot, 'src'), 1);
    expect(folder).toEqual({ operation: 'mmap', errno: errno.ENODEV });
  });

  test('leaves nothing open or mapped', () => {
    const held = () => [
      ...fs.readFileSync('/proc/self/maps', 'utf8').split('\n'),
      ...fs.readdirSync('/proc/self/fd').map((fd) => {
        try {
          return fs.readlinkSync(`/proc/self/fd/${fd}`);
        } catch {
          return '';
        }
      }),
    ];
    fs.writeFileSync(at('bar'), bytes);
    for (let round = 0; round < 100; round++) {
      addon.readWords(at('bar'), 5);
      addon.readWords(packageRoot, 5);
      addon.readWords(at('bar'), 1024);
    }
    fs.writeFileSync(at('bar'), '');
    addon.readWords(at('bar'), 5);
    const names = [at('bar'), packageRoot.replace(/\/$/, '')];
    expect(held().filter((line) => names.some((name) => line.endsWith(name)))).toEqual([]);
  });

  test.each([
    [[]],
    [['x']],
    [['x', 0]],
    [['x', -1]],
    [['x', 1025]],
    [['x', 'y']],
    [[1, 1]],
    [['a\0b', 1]],
  ])('refuses %j', (args) => {
    // An error of another realm, hence by name.
    const call: unknown = Reflect.get(addon, 'readWords');
    expect(() => Reflect.apply(call as () => unknown, addon, args) as unknown).toThrow(
      expect.objectContaining({ name: 'TypeError' }),
    );
  });
});

describeIf(hasTools, HOW_TO_BUILD, 'an addon built here', () => {
  let root: string;

  beforeAll(() => {
    // In a copy of the package: others may be using this one meanwhile.
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'vgpu-built-'));
    for (const name of ['binding.gyp', 'native', 'scripts']) {
      fs.cpSync(path.join(packageRoot, name), path.join(root, name), { recursive: true });
    }
    const build = path.join(packageRoot, '../../scripts/build-addon.mjs');
    const options = { env: environment, encoding: 'utf8' } as const;
    const { status, stderr } = spawnSync(process.execPath, [build, root], options);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  afterAll(() => {
    fs.rmSync(root, { recursive: true });
  });

  test('is that of the sources, and reads', () => {
    const addon = loadFrom(path.join(root, 'prebuilds', platform));
    expect(addon.sourceHash).toBe(sourceHash(packageRoot));
    fs.writeFileSync(at('bar'), Uint8Array.of(1, 2, 3, 4));
    expect(bytesOf(addon.readWords(at('bar'), 1))).toEqual([1, 2, 3, 4]);
  });
});

test('installing without an addon that loads, and without a compiler, only says so', () => {
  for (const name of ['scripts', 'binding.gyp', 'native', 'package.json']) {
    fs.cpSync(path.join(packageRoot, name), at(name), { recursive: true });
  }
  const { status, stderr } = spawnSync(process.execPath, [at('scripts/install.mjs')], {
    env: { ...environment, PATH: directory },
    encoding: 'utf8',
  });
  expect(stderr).toMatch(
    /^@vgpu\/linux: the addon that came with it does not load here, and none could be built/,
  );
  expect(status).toBe(0);
});
