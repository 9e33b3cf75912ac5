import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PLAIN_SLOT } from '@vgpu/protocol';
import { VmDirectory } from '../../src/spool/vm-directory.js';
import { afterHolding } from '../support/after-holding.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { until } from '../support/until.js';

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
  const content = directory.read(PLAIN_SLOT);
  if (content.kind !== 'text') throw new Error(`expected a request, got ${content.kind}`);
  return { text: content.text, mtimeNs: content.version.mtimeNs };
}

describe('the mark of a plain request', () => {
  test('is a time that no clock gives, so that any later write shows', () => {
    writeFileSync(request, LINE);
    const marked = directory.markPlain(LINE);
    expect(marked?.mtimeNs).toBe(1_000_000_000n);
    expect(marked && directory.stateOf(PLAIN_SLOT, marked)).toBe('untouched');
    writeFileSync(request, LINE);
    expect(readText().mtimeNs).not.toBe(1_000_000_000n);
    expect(marked && directory.stateOf(PLAIN_SLOT, marked)).toBe('changed');
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

  test('keeps the next request that follows the response at once', () => {
    writeFileSync(request, LINE);
    const marked = directory.markPlain(LINE);
    if (marked === undefined) throw new Error('expected it to be marked');
    expect(directory.respond(PLAIN_SLOT, marked, '3\n')).toBe('delivered');
    expect(directory.read(PLAIN_SLOT).kind).toBe('absent');
    // A recovery that finds the next one set aside in the place of the marked one puts it back.
    writeFileSync(join(base, 'vm7', `.vgpu-taken-${marked.ino}-${marked.size}-1000000000-x`), LINE);
    expect(directory.recover(directory.list(10).names)).toBe(true);
    expect(readText().text).toBe(LINE);
  });
});

describe('a plain request that has its response', () => {
  const NEXT = 'A:1:7:3:4\n';
  let client: number;
  beforeEach(() => {
    writeFileSync(request, LINE);
    client = openSync(request, 'r+');
  });
  afterEach(() => {
    closeSync(client);
  });

  function respond(): void {
    const marked = directory.markPlain(readText().text);
    expect(marked && directory.respond(PLAIN_SLOT, marked, '3\n')).toBe('delivered');
  }

  const held = () =>
    readdirSync(join(base, 'vm7')).filter((name) => name.startsWith('.vgpu-taken-'));

  test('is held, and removed when its time is over', async () => {
    respond();
    expect(directory.isHolding).toBe(true);
    expect(directory.read(PLAIN_SLOT).kind).toBe('absent');
    expect(held()).toHaveLength(1);
    afterHolding(directory);
    expect(directory.isHolding).toBe(false);
    await until('a thread has removed it', () => held().length === 0);
  });

  test.each<[string, () => void, string]>([
    [
      'truncates it',
      () => {
        ftruncateSync(client);
        writeSync(client, NEXT, 0);
      },
      NEXT,
    ],
    [
      'writes over it, as long as before',
      () => {
        writeSync(client, NEXT, 0);
      },
      NEXT,
    ],
    [
      'writes the same once more',
      () => {
        writeSync(client, LINE, 0);
      },
      LINE,
    ],
    [
      'appends to it',
      () => {
        writeSync(client, NEXT, LINE.length);
      },
      LINE + NEXT,
    ],
  ])('gets its name back if a client that has it open %s', (_how, write, text) => {
    respond();
    expect(directory.read(PLAIN_SLOT).kind).toBe('absent');
    write();
    expect(readText().text).toBe(text);
    expect(held()).toEqual([]);
    respond();
    expect(held()).toHaveLength(1);
  });

  test('gets its name back before its client has written all of the next one', () => {
    respond();
    ftruncateSync(client);
    expect(directory.read(PLAIN_SLOT).kind).toBe('empty');
    writeSync(client, NEXT.slice(0, 4));
    expect(readText().text).toBe(NEXT.slice(0, 4));
    writeSync(client, NEXT.slice(4));
    expect(readText().text).toBe(NEXT);
  });

  test('gets its name back at the last check that its time allows', () => {
    respond();
    writeSync(client, NEXT, 0);
    afterHolding(directory);
    expect(readText().text).toBe(NEXT);
  });

  test('gets its name back after the request of another, faster writer', () => {
    respond();
    writeFileSync(request, 'A:1:7:5:6\n');
    expect(readText().text).toBe('A:1:7:5:6\n');
    const marked = directory.markPlain('A:1:7:5:6\n');
    writeSync(client, NEXT, 0);
    expect(marked && directory.respond(PLAIN_SLOT, marked, '11\n')).toBe('delivered');
    expect(readText().text).toBe(NEXT);
    expect(held()).toHaveLength(1);
  });

  test('never has another one held beside it', async () => {
    for (let round = 0; round < 5; round += 1) {
      respond();
      await until('a thread has removed the one before', () => held().length === 1);
      expect(directory.isHolding).toBe(true);
      writeFileSync(request, LINE);
    }
  });

  test('is held by the next mediator after a kill, and gets no second response', () => {
    respond();
    const next = new VmDirectory(base, 7);
    expect(next.recover(next.list(10).names)).toBe(false);
    expect(next.read(PLAIN_SLOT).kind).toBe('absent');
    writeSync(client, NEXT, 0);
    expect(next.read(PLAIN_SLOT)).toMatchObject({ text: NEXT });
    next.close();
  });

  test('gets its name back at the start of a mediator if it was written while none ran', () => {
    respond();
    writeSync(client, NEXT, 0);
    const next = new VmDirectory(base, 7);
    expect(next.recover(next.list(10).names)).toBe(true);
    expect(next.read(PLAIN_SLOT)).toMatchObject({ text: NEXT });
    next.close();
  });
});
