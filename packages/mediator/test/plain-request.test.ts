import {
  linkSync,
  mkdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PLAIN_SLOT } from '@vgpu/protocol';
import { VmDirectory } from '../src/spool/vm-directory.js';
import { temporaryDirectory } from './support/temporary-directory.js';

const LINE = 'A:1:7:1:2\n';

let base: string;
let request: string;
let directory: VmDirectory;

beforeEach(() => {
  base = temporaryDirectory();
  mkdirSync(join(base, 'vm7'));
  request = join(base, 'vm7', 'request.txt');
  directory = new VmDirectory(base, 7);
});
afterEach(() => {
  directory.close();
});

/** Writes in place, and makes the clock of the files stand still as far as a guest could see. */
function rewriteInTheSameTick(text: string): void {
  const { atime, mtime } = statSync(request);
  writeFileSync(request, text);
  utimesSync(request, atime, mtime);
}

function readText(): { text: string; mtimeNs: bigint } {
  const sight = directory.look(PLAIN_SLOT);
  if (sight.kind !== 'text') throw new Error(`expected a request, got ${sight.kind}`);
  return { text: sight.text, mtimeNs: sight.file.mtimeNs };
}

describe('the mark of a plain request', () => {
  test('is a time that no clock gives, so that any later write shows', () => {
    writeFileSync(request, LINE);
    const marked = directory.markPlain(LINE);
    expect(marked?.mtimeNs).toBe(1_000_000_000n);
    expect(marked && directory.fateOf(PLAIN_SLOT, marked)).toBe('untouched');
    writeFileSync(request, LINE);
    expect(readText().mtimeNs).not.toBe(1_000_000_000n);
    expect(marked && directory.fateOf(PLAIN_SLOT, marked)).toBe('changed');
  });

  test('is refused to a request that was written again, as long, in the same tick', () => {
    writeFileSync(request, LINE);
    rewriteInTheSameTick('A:1:7:1:3\n');
    expect(directory.markPlain(LINE)).toBeUndefined();
    expect(readText().text).toBe('A:1:7:1:3\n');
  });

  test('is not given to anything but a file of its own', () => {
    expect(directory.markPlain(LINE)).toBeUndefined();
    const outside = join(base, 'outside');
    writeFileSync(outside, LINE);
    const { mtimeMs } = statSync(outside);
    for (const make of [linkSync, symlinkSync]) {
      make(outside, request);
      expect(directory.markPlain(LINE)).toBeUndefined();
      expect(statSync(outside).mtimeMs).toBe(mtimeMs);
      rmSync(request);
    }
    mkdirSync(request);
    expect(directory.markPlain(LINE)).toBeUndefined();
  });

  test('lets the next request live that follows the answer at once', () => {
    writeFileSync(request, LINE);
    const marked = directory.markPlain(LINE);
    if (marked === undefined) throw new Error('expected it to be marked');
    expect(directory.answer(PLAIN_SLOT, marked, '3\n')).toBe('delivered');
    expect(directory.look(PLAIN_SLOT).kind).toBe('absent');
    // A recovery that finds the next one set aside in the place of the marked one puts it back.
    writeFileSync(join(base, 'vm7', `.vgpu-taken-${marked.ino}-${marked.size}-1000000000-x`), LINE);
    expect(directory.recover(directory.list(10).names)).toBe(true);
    expect(readText().text).toBe(LINE);
  });
});
