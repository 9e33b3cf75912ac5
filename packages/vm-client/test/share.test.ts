import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MAX_LINE_BYTES } from '@vgpu/protocol';
import { FuseShare } from '../src/fuse-share.js';
import { LocalShare } from '../src/local-share.js';
import { NetworkShare } from '../src/network-share.js';
import type { Awaitable, Share } from '../src/share.js';

let directory: string;
const at = (name: string) => path.join(directory, name);
const textOf = (name: string) => fs.readFileSync(at(name), 'utf8');

/** What a call of a share fails with, thrown or rejected. */
async function failure(call: () => Awaitable<unknown>): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return 'no failure';
}

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'vgpu-share-'));
});
afterEach(() => {
  fs.rmSync(directory, { recursive: true });
});

describe.each([
  ['LocalShare', (where: string): Share => new LocalShare(where), ''],
  ['NetworkShare', (where: string): Share => new NetworkShare(where), ''],
  ['FuseShare', (where: string): Share => new FuseShare(where), undefined],
])('%s', (_name, open, cleared) => {
  let share: Share;
  beforeEach(() => {
    share = open(directory);
  });

  test('creates files, with a text and empty', async () => {
    await share.create('full', 'A:2:1:1:2\n');
    await share.create('empty', '');
    expect([textOf('full'), textOf('empty')]).toEqual(['A:2:1:1:2\n', '']);
  });

  test.each([0o000, 0o027, 0o077, 0o777])(
    'creates files that the mediator may read, with umask %d too',
    async (mask) => {
      const before = process.umask(mask);
      try {
        await share.create('request', 'A:2:1:1:2\n');
      } finally {
        process.umask(before);
      }
      expect(fs.statSync(at('request')).mode & 0o7777).toBe(0o644);
      expect(textOf('request')).toBe('A:2:1:1:2\n');
    },
  );

  test('creates nothing where the name is taken, by a link neither', async () => {
    fs.writeFileSync(at('file'), 'old');
    fs.symlinkSync(at('elsewhere'), at('link'));
    for (const name of ['file', 'link']) {
      expect(await failure(() => share.create(name, 'new'))).toMatchObject({ code: 'EEXIST' });
    }
    expect(textOf('file')).toBe('old');
    expect(fs.existsSync(at('elsewhere'))).toBe(false);
  });

  test(`leaves ${cleared === '' ? 'an empty file' : 'no file'} for an answer`, async () => {
    fs.writeFileSync(at('full'), 'text');
    await share.clearAnswer('full');
    await share.clearAnswer('new');
    const texts = ['full', 'new'].map((name) =>
      fs.existsSync(at(name)) ? textOf(name) : undefined,
    );
    expect(texts).toEqual([cleared, cleared]);
  });

  test('follows no link when it clears or reads', async () => {
    fs.writeFileSync(at('target'), 'text');
    fs.symlinkSync(at('target'), at('link'));
    expect(await failure(() => share.read('link'))).toMatchObject({ code: 'ELOOP' });
    expect(await failure(() => share.readIfThere('link'))).toMatchObject({ code: 'ELOOP' });
    if (cleared === '') {
      expect(await failure(() => share.clearAnswer('link'))).toMatchObject({ code: 'ELOOP' });
    } else {
      await share.clearAnswer('link');
    }
    expect(textOf('target')).toBe('text');
  });

  test('reads a file if it is there', async () => {
    fs.writeFileSync(at('file'), 'text');
    expect(await share.readIfThere('file')).toBe('text');
    expect(await share.readIfThere('absent')).toBeUndefined();
  });

  test('does not wait for the other end of a FIFO', async () => {
    execFileSync('mkfifo', [at('fifo')]);
    expect(await share.read('fifo')).toBe('');
    const clearing = await failure(() => share.clearAnswer('fifo'));
    expect(clearing).toEqual(
      cleared === '' ? expect.objectContaining({ code: 'ENXIO' }) : 'no failure',
    );
  });

  test('renames over a file of that name', async () => {
    fs.writeFileSync(at('from'), 'new');
    fs.writeFileSync(at('to'), 'old');
    await share.rename('from', 'to');
    expect(textOf('to')).toBe('new');
    expect(fs.existsSync(at('from'))).toBe(false);
  });

  test('reads bytes as characters, and one more than an answer may have', async () => {
    fs.writeFileSync(at('bytes'), Buffer.from([0x33, 0xff, 0x0a]));
    fs.writeFileSync(at('long'), 'x'.repeat(MAX_LINE_BYTES * 2));
    expect(await share.read('bytes')).toBe('3\xff\n');
    expect(await share.read('long')).toHaveLength(MAX_LINE_BYTES + 1);
    expect(await share.read('bytes')).toBe('3\xff\n');
  });

  test('reads many files at once without mixing them up', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `file-${index}`);
    for (const name of names) fs.writeFileSync(at(name), name);
    expect(await Promise.all(names.map(async (name) => share.read(name)))).toEqual(names);
  });

  test('fails with ENOENT where there is nothing to read', async () => {
    expect(await failure(() => share.read('absent'))).toMatchObject({ code: 'ENOENT' });
  });

  test('says whether there was something to remove', async () => {
    fs.writeFileSync(at('file'), '');
    expect(await share.remove('file')).toBe(true);
    expect(await share.remove('file')).toBe(false);
    fs.mkdirSync(at('directory'));
    expect(await failure(() => share.remove('directory'))).toMatchObject({ code: 'EISDIR' });
  });

  test('leaves no file open', async () => {
    const openFiles = () => fs.readdirSync('/proc/self/fd').length;
    fs.writeFileSync(at('file'), 'text');
    const before = openFiles();
    for (let round = 0; round < 20; round += 1) {
      await share.read('file');
      fs.writeFileSync(at('file'), 'text');
      await share.clearAnswer('file');
      await failure(() => share.read('absent'));
      await failure(() => share.create('file', ''));
    }
    expect(openFiles()).toBeLessThan(before + 10);
  });
});
