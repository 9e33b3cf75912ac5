/** Removing what a guest has in its directory, while it may change all of it. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeFs, systemError } from '../support/fake-fs.js';
import { makeFifo, makeSocket } from '../support/hostile.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';

const fakeFs = new FakeFs();
const { removeVmDirectory } = await import('../../src/provisioning/remove-vm-directory.js');

let base: string;
let root: string;
let secrets: string;

beforeEach(() => {
  base = temporaryDirectory();
  root = join(base, 'vgpu');
  secrets = join(base, 'secrets');
  fs.mkdirSync(join(secrets, 'deep'), { recursive: true });
  fs.writeFileSync(join(secrets, 'file'), 'secret');
  fs.mkdirSync(join(root, 'vm7'), { recursive: true });
  fs.mkdirSync(join(root, 'vm70'));
});
afterEach(() => {
  fakeFs.restore();
  expect(fs.readdirSync(secrets).sort()).toEqual(['deep', 'file']);
  expect(openBelow(base)).toEqual([]);
});

/** Directories that are no VM's any more. */
const left = () => fs.readdirSync(root).filter((name) => name.startsWith('.vm7.removed-'));
const at = (...names: string[]) => join(root, 'vm7', ...names);

describe('removing the directory of a VM', () => {
  test('removes all that is in it, and nothing else', () => {
    fs.writeFileSync(at('request.txt'), 'A:2:7:1:1\n');
    fs.mkdirSync(at('a', 'b', 'c'), { recursive: true });
    fs.writeFileSync(at('a', 'b', 'file'), '');
    fs.symlinkSync(secrets, at('a', 'link'));
    fs.symlinkSync(join(secrets, 'file'), at('request-x.txt'));
    fs.linkSync(join(secrets, 'file'), at('hard'));
    makeFifo(at('fifo'));
    makeSocket(at('socket'));
    expect(removeVmDirectory(root, 7)).toBe(true);
    expect(fs.readdirSync(root)).toEqual(['vm70']);
    expect(removeVmDirectory(root, 7)).toBe(false);
  });

  test('of one that is a link removes the link', () => {
    fs.rmdirSync(at());
    fs.symlinkSync(secrets, at());
    expect(removeVmDirectory(root, 7)).toBe(true);
    expect(fs.readdirSync(root)).toEqual(['vm70']);
  });

  test.each(['before', 'after'])(
    'does not follow a directory that becomes a link %s it is opened',
    (when) => {
      fs.mkdirSync(at('trap'));
      fs.writeFileSync(at('trap', 'file'), '');
      let swaps = 0;
      fakeFs.intercept(({ name, args, proceed }) => {
        const isIt = name === 'openSync' && String(args[0]).endsWith('/trap');
        const early = isIt && when === 'after' ? proceed() : undefined;
        if (isIt) {
          const trap = join(root, left()[0] ?? '', 'trap');
          // The guest still reaches it by its handle.
          fs.renameSync(trap, join(base, 'moved'));
          fs.symlinkSync(secrets, trap);
          swaps += 1;
        }
        return early ?? proceed();
      });
      const remove = () => removeVmDirectory(root, 7);
      if (when === 'before') expect(remove()).toBe(true);
      else expect(remove).toThrow(expect.objectContaining({ code: 'VM_DIRECTORY_UNUSABLE' }));
      expect(swaps).toBe(1);
      fakeFs.restore();
      expect(fs.readdirSync(join(base, 'moved'))).toEqual(when === 'before' ? ['file'] : []);
      expect(remove()).toBe(when === 'after');
      expect(fs.readdirSync(root)).toEqual(['vm70']);
    },
  );

  test('names the rest if a file cannot be removed; the same call removes it', () => {
    fs.writeFileSync(at('a'), '');
    fs.writeFileSync(at('b'), '');
    fakeFs.intercept(({ name, args, proceed }) => {
      if (name === 'unlinkSync' && String(args[0]).endsWith('/b')) throw systemError('EIO');
      return proceed();
    });
    expect(() => removeVmDirectory(root, 7)).toThrow(
      expect.objectContaining({
        code: 'VM_DIRECTORY_UNUSABLE',
        message: expect.stringContaining(`the rest is in ${join(root, '.vm7.removed-')}`),
      }),
    );
    fakeFs.restore();
    expect(fs.readdirSync(root).sort()).toEqual([...left(), 'vm70']);
    // The VM may have a new directory by now.
    fs.mkdirSync(at());
    expect(removeVmDirectory(root, 7)).toBe(true);
    expect(fs.readdirSync(root)).toEqual(['vm70']);
  });

  test('gives up at directories that are nested too deep', () => {
    fs.mkdirSync(at(...Array.from({ length: 100 }, () => 'd')), { recursive: true });
    expect(() => removeVmDirectory(root, 7)).toThrow('nested more than');
    expect(left()).toHaveLength(1);
  });

  test('removes names that are not text, and the contents of such directories', () => {
    const bytes = (...parts: (string | number)[]) =>
      Buffer.concat([
        Buffer.from(`${at()}/`),
        ...parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))),
      ]);
    fs.writeFileSync(bytes('request-', 0xff, '.txt'), '');
    fs.writeFileSync(bytes(0xc3), '');
    fs.writeFileSync(bytes(0xed, 0xa0, 0x80), '');
    fs.mkdirSync(bytes('directory-', 0xfe));
    fs.writeFileSync(bytes('directory-', 0xfe, '/', 0x80, 'inside'), '');
    fs.symlinkSync(secrets, bytes('link-', 0xf8));
    expect(removeVmDirectory(root, 7)).toBe(true);
    expect(fs.readdirSync(root)).toEqual(['vm70']);
  });

  test('moves the next tenant away, too, though what an earlier one has left stays', () => {
    fakeFs.intercept(({ name, args, proceed }) => {
      if (name === 'unlinkSync' && String(args[0]).endsWith('/stuck')) throw systemError('EIO');
      return proceed();
    });
    for (let tenants = 1; tenants <= 3; tenants += 1) {
      fs.writeFileSync(at('stuck'), `tenant ${tenants}`);
      expect(() => removeVmDirectory(root, 7)).toThrow('EIO');
      expect(fs.existsSync(at())).toBe(false);
      expect(left()).toHaveLength(tenants);
      fs.mkdirSync(at());
    }
    fakeFs.restore();
    expect(removeVmDirectory(root, 7)).toBe(true);
    expect(fs.readdirSync(root)).toEqual(['vm70']);
  });
});
