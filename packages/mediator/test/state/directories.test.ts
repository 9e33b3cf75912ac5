import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { isWithin, makeDirectory } from '../../src/state/directories.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let base: string;
beforeEach(() => {
  base = temporaryDirectory();
});

describe('makeDirectory', () => {
  test('creates missing directories, once', () => {
    const path = join(base, 'a', 'b', 'c');
    expect(makeDirectory(path, 0o700)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(makeDirectory(path, 0o755)).toBe(false);
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  test('gives up where the file system refuses', () => {
    expect(() => makeDirectory('/proc/x/y', 0o755)).toThrow('ENOENT');
  });

  test('says that a file is in the way', () => {
    writeFileSync(join(base, 'file'), '');
    const failure = expect.objectContaining({ code: 'ENOTDIR' });
    expect(() => makeDirectory(join(base, 'file'), 0o755)).toThrow(failure);
    expect(() => makeDirectory(join(base, 'file', 'below'), 0o755)).toThrow('ENOTDIR');
  });
});

describe('isWithin', () => {
  test.each([
    ['root', true],
    ['root/vm1', true],
    ['root/..state', true],
    ['root-state', false],
    ['.', false],
    ['link', true],
    // What is not there yet, or cannot be reached.
    ['root/vm1/new/state', true],
    ['link/state', true],
    ['new/state', false],
    ['file/state', false],
  ])('%s: %s', (path, expected) => {
    for (const name of ['root', 'root/vm1', 'root/..state', 'root-state']) {
      mkdirSync(join(base, name));
    }
    symlinkSync(join(base, 'root', 'vm1'), join(base, 'link'));
    writeFileSync(join(base, 'file'), '');
    expect(isWithin(join(base, path), join(base, 'root'))).toBe(expected);
  });
});
