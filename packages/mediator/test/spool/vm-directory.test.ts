import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MAX_LINE_BYTES, type Slot } from '@vgpu/protocol';
import type { FileVersion } from '../../src/spool/file-version.js';
import { afterHolding } from '../support/after-holding.js';
import { FakeFs } from '../support/fake-fs.js';
import { makeFifo, NON_EMPTY_DIRECTORY, REMOVABLE } from '../support/hostile.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';
import { nextTick, until } from '../support/until.js';
import { named, PLAIN, VmFiles } from '../support/vm-files.js';

// Here the addon does at once what it otherwise does on a thread.
const fakeFs = new FakeFs();
fakeFs.hasAddon = true;
const { UndeliverableError } = await import('../../src/scheduling/request-source.js');
const { VmDirectory } = await import('../../src/spool/vm-directory.js');

const SECRET = 'A:2:1:1:1\n';
const isRoot = process.getuid?.() === 0;

const slots = [
  { title: 'the plain slot', slot: PLAIN },
  { title: 'a named slot', slot: named('x') },
];

let root: string;
let secret: string;
let files: VmFiles;
let directory: InstanceType<typeof VmDirectory>;

beforeEach(() => {
  const base = temporaryDirectory();
  root = join(base, 'root');
  secret = join(base, 'secret.txt');
  writeFileSync(secret, SECRET, { mode: 0o600 });
  files = new VmFiles(root, 7);
  directory = new VmDirectory(root, 7);
});

afterEach(async () => {
  directory.close();
  // The addon closes possibly large files by a thread.
  await until('nothing is open', () => openBelow(root).length === 0);
});

const never = () => {
  throw new Error('left');
};

/** The identity of a request as the mediator has read it. */
function read(slot: Slot): FileVersion {
  const content = directory.read(slot);
  if (!('version' in content)) throw new Error(`expected something to read, got ${content.kind}`);
  return content.version;
}

/** The irregular file at the name of a slot's request. */
function irregular(slot: Slot) {
  const content = directory.read(slot);
  if (content.kind !== 'irregular') throw new Error(`expected no request, got ${content.kind}`);
  return content.version;
}

/** Of an untouched secret: same content, mode and links. */
function expectSecretUntouched(links = 1): void {
  expect(readFileSync(secret, 'latin1')).toBe(SECRET);
  const { mode, nlink } = statSync(secret);
  expect({ mode: mode & 0o777, nlink }).toEqual({ mode: 0o600, nlink: links });
}

/** Tells that a test cannot run without root, where it cannot. */
function needsRoot(): boolean {
  if (!isRoot)
    process.stderr.write('skipped: only root may give files away; run the tests as root\n');
  return !isRoot;
}

describe('the VM directory itself', () => {
  test.each([
    { name: 'a symbolic link to a directory', code: 'ENOTDIR' },
    { name: 'a file', code: 'ENOTDIR' },
    { name: 'a FIFO, without blocking', code: 'ENOTDIR' },
    { name: 'nothing', code: 'ENOENT' },
  ])('is refused if it is $name', ({ name, code }) => {
    const path = join(root, 'vm8');
    if (name.startsWith('a symbolic')) symlinkSync(files.path, path);
    if (name === 'a file') writeFileSync(path, '');
    if (name.startsWith('a FIFO')) makeFifo(path);
    expect(() => new VmDirectory(root, 8)).toThrow(expect.objectContaining({ code }));
  });

  test('stays the same one when its name is given to another', () => {
    files.write(PLAIN, 'A:2:7:1:2\n');
    const file = read(PLAIN);
    renameSync(files.path, join(root, 'old'));
    const other = new VmFiles(root, 7);
    expect(directory.is(lstatSync(other.path, { bigint: true }))).toBe(false);
    expect(directory.is(lstatSync(join(root, 'old'), { bigint: true }))).toBe(true);
    expect(directory.respond(PLAIN, file, '3\n')).toBe('delivered');
    expect(other.names()).toEqual([]);
    expect(readFileSync(join(root, 'old', 'response.txt'), 'latin1')).toBe('3\n');
  });

  test('says that it is gone once it has been removed, and takes no more responses', () => {
    files.write(PLAIN, 'A:2:7:1:2\n');
    const file = read(PLAIN);
    expect(directory.refresh().exists).toBe(true);
    rmSync(files.path, { recursive: true });
    expect(directory.refresh().exists).toBe(false);
    expect(directory.read(PLAIN).kind).toBe('absent');
    expect(directory.respond(PLAIN, file, '3\n')).toBe('withdrawn');
    expect(directory.list(10)).toEqual({ names: [], complete: true });
  });

  test('reports the time of its last change', async () => {
    const before = directory.refresh().mtimeNs;
    await nextTick();
    files.write(PLAIN, '');
    expect(directory.refresh().mtimeNs).toBe(statSync(files.path, { bigint: true }).mtimeNs);
    expect(directory.refresh().mtimeNs).toBeGreaterThan(before);
  });

  test('refuses everything once it is closed, though its descriptor may be reused', () => {
    const closed = new VmDirectory(root, 7);
    files.write(PLAIN, 'A:2:7:1:2\n');
    files.write(named('x'), 'A:2:7:1:2\n');
    const file = read(PLAIN);
    closed.close();
    // The lowest free number, which is that of the directory that was closed.
    new VmFiles(root, 8).write(PLAIN, 'A:2:8:1:2\n');
    const other = new VmDirectory(root, 8);
    try {
      expect(() => closed.read(PLAIN)).toThrow('closed');
      expect(() => closed.ctimeNs('request.txt')).toThrow('closed');
      expect(() => {
        closed.recover(['.vgpu-answer-x']);
      }).toThrow('closed');
      expect(() => closed.removeStale(['response.txt'], 0n)).toThrow('closed');
      expect(() => {
        closed.respondToIrregular(PLAIN, file, '3\n', never);
      }).toThrow('closed');
      expect(() => {
        closed.emptyPlainResponse();
      }).toThrow('closed');
      expect(closed.stateOf(PLAIN, file)).toBe('withdrawn');
      expect(closed.respond(PLAIN, file, '3\n')).toBe('withdrawn');
      expect(() => closed.list(10)).toThrow('closed');
      expect(() => closed.refresh()).toThrow('closed');
    } finally {
      other.close();
    }
  });
});

describe.each(slots)('reading $title', ({ slot }) => {
  test('finds nothing if there is no file', () => {
    expect(directory.read(slot)).toEqual({ kind: 'absent' });
  });

  test('sees an empty file', () => {
    files.write(slot, '');
    expect(directory.read(slot)).toEqual({ kind: 'empty' });
  });

  test('reads a regular file, and identifies it', () => {
    files.write(slot, 'A:2:7:100:200');
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(files.request(slot), { bigint: true });
    expect(directory.read(slot)).toEqual({
      kind: 'text',
      text: 'A:2:7:100:200',
      version: { dev, ino, size, mtimeNs, ctimeNs },
    });
  });

  test('gives a character for each byte, whatever the bytes', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    writeFileSync(files.request(slot), bytes);
    const content = directory.read(slot);
    expect(content).toMatchObject({ kind: 'text', text: Buffer.from(bytes).toString('latin1') });
  });

  test('gives of each file its own bytes, although the buffer is shared', () => {
    files.write(slot, 'x'.repeat(1000));
    const first = directory.read(slot);
    files.write(slot, 'y');
    const second = directory.read(slot);
    expect(first).toMatchObject({ text: 'x'.repeat(1000) });
    expect(second).toMatchObject({ text: 'y' });
  });

  test('reads 64 KiB and not a byte more', () => {
    files.write(slot, 'x'.repeat(MAX_LINE_BYTES));
    expect(directory.read(slot)).toMatchObject({ kind: 'text', text: 'x'.repeat(65_536) });
    files.write(slot, 'x'.repeat(MAX_LINE_BYTES + 1));
    const { ino } = statSync(files.request(slot), { bigint: true });
    expect(directory.read(slot)).toMatchObject({
      kind: 'too-large',
      bytes: 65_537n,
      version: { ino },
    });
  });

  test('does not read a sparse file of a tebibyte', () => {
    files.write(slot, '');
    truncateSync(files.request(slot), 2 ** 40);
    expect(directory.read(slot)).toMatchObject({ kind: 'too-large', bytes: 2n ** 40n });
  });

  test('sees a file without permissions as its text, or says that it may not read it', () => {
    files.write(slot, 'A:2:7:1:2\n');
    chmodSync(files.request(slot), 0);
    expect(directory.read(slot)).toMatchObject(
      isRoot
        ? { kind: 'text', text: 'A:2:7:1:2\n' }
        : { kind: 'irregular', what: 'a file that the mediator may not read' },
    );
  });

  test.each([...REMOVABLE, NON_EMPTY_DIRECTORY])('neither follows nor blocks at $name', (thing) => {
    thing.put(files.request(slot), secret);
    const { ino } = lstatSync(files.request(slot), { bigint: true });
    const content = directory.read(slot);
    expect(content).toMatchObject({ kind: 'irregular', what: thing.what, version: { ino } });
    expect(content).not.toHaveProperty('text');
  });
});

describe.each(slots)('state of a request in $title', ({ slot }) => {
  const LINE = 'A:2:7:100:200\n';
  let file: FileVersion;

  beforeEach(async () => {
    files.write(slot, LINE);
    file = read(slot);
    await nextTick();
  });

  test('is untouched without a change', () => {
    readFileSync(files.request(slot));
    expect(directory.stateOf(slot, file)).toBe('untouched');
  });

  test('is withdrawn if it was removed', () => {
    unlinkSync(files.request(slot));
    expect(directory.stateOf(slot, file)).toBe('withdrawn');
  });

  test.each<{ how: string; change: (path: string) => void }>([
    {
      how: 'rewritten in place with as many bytes, and its mtime restored',
      change: (path) => {
        const { atimeMs, mtimeMs } = statSync(path);
        writeFileSync(path, 'A:2:7:100:201\n');
        utimesSync(path, atimeMs / 1000, mtimeMs / 1000);
      },
    },
    {
      how: 'rewritten with the same bytes',
      change: (path) => {
        writeFileSync(path, LINE);
      },
    },
    {
      how: 'made longer',
      change: (path) => {
        writeFileSync(path, 'x', { flag: 'a' });
      },
    },
    {
      how: 'emptied',
      change: (path) => {
        truncateSync(path);
      },
    },
    {
      how: 'replaced by another file with the same content and mtime',
      change: (path) => {
        const { atimeMs, mtimeMs } = statSync(path);
        writeFileSync(`${path}.new`, LINE);
        utimesSync(`${path}.new`, atimeMs / 1000, mtimeMs / 1000);
        renameSync(`${path}.new`, path);
      },
    },
    {
      how: 'renamed away and back',
      change: (path) => {
        renameSync(path, `${path}.old`);
        renameSync(`${path}.old`, path);
      },
    },
    {
      how: 'given a second link',
      change: (path) => {
        linkSync(path, `${path}.link`);
      },
    },
    {
      how: 'replaced by a symbolic link to the former file',
      change: (path) => {
        renameSync(path, `${path}.old`);
        symlinkSync(`${path}.old`, path);
      },
    },
    {
      how: 'replaced by a directory',
      change: (path) => {
        unlinkSync(path);
        mkdirSync(path);
      },
    },
  ])('is changed if it was $how; it gets no response then', ({ change }) => {
    change(files.request(slot));
    const names = files.names();
    expect(directory.stateOf(slot, file)).toBe('changed');
    expect(directory.respond(slot, file, '300\n')).toBe('changed');
    expect(files.names()).toEqual(names);
  });

  test('in another slot does not matter', () => {
    const other = slot.kind === 'plain' ? named('other') : PLAIN;
    files.write(other, LINE);
    expect(directory.stateOf(slot, file)).toBe('untouched');
    expect(directory.stateOf(other, file)).toBe('changed');
  });
});

describe.each(slots)('a response in $title', ({ slot }) => {
  beforeEach(() => {
    files.write(slot, 'A:2:7:100:200\n');
  });

  test.each([
    { before: 'nothing', prepare: () => undefined },
    {
      before: 'an empty file',
      prepare: () => {
        writeFileSync(files.response(slot), '');
      },
    },
    {
      before: 'a longer response that no client has read',
      prepare: () => {
        writeFileSync(files.response(slot), '1'.repeat(1000));
      },
    },
  ])('takes the place of $before, and its request goes', ({ prepare }) => {
    prepare();
    expect(directory.respond(slot, read(slot), '300\n')).toBe('delivered');
    expect(files.responseText(slot)).toBe('300\n');
    expect(files.hasRequest(slot)).toBe(false);
    expect(files.names()).toHaveLength(1);
  });

  test('may be as long as a request', () => {
    const line = `${'1,'.repeat(MAX_LINE_BYTES / 2 - 1)}1\n`;
    expect(line).toHaveLength(MAX_LINE_BYTES);
    directory.respond(slot, read(slot), line);
    expect(files.responseText(slot)).toBe(line);
  });

  test.each(REMOVABLE)('replaces $name itself, not its target', (thing) => {
    const isLink = thing.what === 'a hard link';
    thing.put(files.response(slot), secret);
    expectSecretUntouched(isLink ? 2 : 1);
    expect(directory.respond(slot, read(slot), '300\n')).toBe('delivered');
    expectSecretUntouched();
    expect(existsSync(`${secret}-missing`)).toBe(false);
    expect(lstatSync(files.response(slot))).toMatchObject({ nlink: 1, size: 4 });
    expect(lstatSync(files.response(slot)).isFile()).toBe(true);
    expect(files.responseText(slot)).toBe('300\n');
    expect(files.names()).toHaveLength(1);
  });

  test('is undeliverable if a directory with content has its name; the request goes, no file is left', () => {
    NON_EMPTY_DIRECTORY.put(files.response(slot), secret);
    const file = read(slot);
    expect(() => directory.respond(slot, file, '300\n')).toThrow(UndeliverableError);
    expect(files.hasRequest(slot)).toBe(false);
    expect(files.names()).toHaveLength(1);
    expect(existsSync(join(files.response(slot), 'inside'))).toBe(true);
  });

  test('leaves nothing behind if the directory has gone', () => {
    const file = read(slot);
    rmSync(files.path, { recursive: true });
    expect(() => {
      directory.respondToIrregular(slot, file, '300\n', never);
    }).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    expect(directory.respond(slot, file, '300\n')).toBe('withdrawn');
  });

  test.each([0o777, 0o750, 0o700, 0o775])(
    'is as readable and writable as the directory, whatever the umask: %o',
    (mode) => {
      chmodSync(files.path, mode);
      directory.refresh();
      const umask = process.umask(0o077);
      try {
        directory.respond(slot, read(slot), '300\n');
      } finally {
        process.umask(umask);
      }
      expect(statSync(files.response(slot)).mode & 0o7777).toBe(mode & 0o666);
    },
  );

  test("belongs to the directory's owner and group", () => {
    if (needsRoot()) return;
    chownSync(files.path, 12_345, 23_456);
    directory.refresh();
    directory.respond(slot, read(slot), '300\n');
    expect(statSync(files.response(slot))).toMatchObject({ uid: 12_345, gid: 23_456 });
  });

  test.each(REMOVABLE)('to $name as the request removes the thing itself', (thing) => {
    unlinkSync(files.request(slot));
    thing.put(files.request(slot), secret);
    directory.respondToIrregular(slot, irregular(slot), 'ERROR:BAD_REQUEST:x\n', never);
    expectSecretUntouched();
    expect(files.responseText(slot)).toBe('ERROR:BAD_REQUEST:x\n');
    expect(files.names()).toHaveLength(1);
  });

  test('to a directory with content leaves that directory', () => {
    unlinkSync(files.request(slot));
    NON_EMPTY_DIRECTORY.put(files.request(slot), secret);
    let isLeft = false;
    directory.respondToIrregular(
      slot,
      irregular(slot),
      'ERROR:BAD_REQUEST:x\n',
      () => (isLeft = true),
    );
    expect(isLeft).toBe(true);
    expect(files.responseText(slot)).toBe('ERROR:BAD_REQUEST:x\n');
    expect(existsSync(join(files.request(slot), 'inside'))).toBe(true);
    expect(files.names()).toHaveLength(2);
  });
});

describe('a response that a killed mediator has left', () => {
  const REQUEST = 'A:2:7:1:2\n';
  /** A request about to be computed. */
  const take = (slot: Slot) => {
    files.write(slot, REQUEST);
    const file = slot === PLAIN ? directory.markPlain(REQUEST) : read(slot);
    if (file === undefined) throw new Error('expected a request');
    return file;
  };
  /** As the mediator leaves it when it is killed before it clears the request. */
  const leave = (slot: Slot, response: string, { ctimeNs }: FileVersion) => {
    writeFileSync(files.response(slot), response);
    const seconds = Number(ctimeNs) / 1e9;
    if (slot === PLAIN) utimesSync(files.response(slot), seconds, seconds);
  };

  test.each(slots)('is known, in $title', async ({ slot }) => {
    const file = take(slot);
    expect(directory.hasResponse(slot, file)).toBe(false);
    await nextTick();
    leave(slot, '', file);
    expect(directory.hasResponse(slot, file)).toBe(false);
    leave(slot, '3\n', file);
    expect(directory.hasResponse(slot, file)).toBe(true);
    directory.clear(slot, file);
    expect(files.hasRequest(slot)).toBe(false);
    expect(files.responseText(slot)).toBe('3\n');
    expect(files.names()).toHaveLength(1);
  });

  test.each(slots)(
    'does not count if it is older than the request, in $title',
    async ({ slot }) => {
      writeFileSync(files.response(slot), '3\n');
      await nextTick();
      expect(directory.hasResponse(slot, take(slot))).toBe(false);
    },
  );

  test('in the plain slot does not count for a request that came after the clock was set back', async () => {
    leave(PLAIN, '3\n', take(PLAIN));
    await nextTick();
    // By the order of times the response is the newer one, as if the clock had been set back.
    const file = { ...take(PLAIN), ctimeNs: 1n };
    expect(directory.hasNewerResponse(PLAIN, file)).toBe(true);
    expect(directory.hasResponse(PLAIN, file)).toBe(false);
  });

  test('in the plain slot does not count for a request that has been rewritten', async () => {
    const file = take(PLAIN);
    leave(PLAIN, '3\n', file);
    files.write(PLAIN, REQUEST);
    await nextTick();
    // Within the same tick of the clock that stamps files.
    expect(directory.hasResponse(PLAIN, { ...read(PLAIN), ctimeNs: file.ctimeNs })).toBe(false);
  });

  test.each([...REMOVABLE, NON_EMPTY_DIRECTORY].filter(({ what }) => what !== 'a hard link'))(
    'does not count if it is $name',
    async (thing) => {
      files.write(PLAIN, 'A:2:7:1:2\n');
      const file = read(PLAIN);
      await nextTick();
      thing.put(files.response(PLAIN), secret);
      expect(directory.hasNewerResponse(PLAIN, file)).toBe(false);
    },
  );

  test('does not make a newer plain request go', () => {
    files.write(PLAIN, 'A:2:7:1:2\n');
    const file = read(PLAIN);
    files.write(PLAIN, 'A:2:7:10:20\n');
    directory.clear(PLAIN, file);
    expect(directory.read(PLAIN)).toMatchObject({ kind: 'text', text: 'A:2:7:10:20\n' });
    expect(files.names()).toEqual(['request.txt']);
  });
});

describe("the plain slot's leftover response", () => {
  test('is emptied, by a new file', () => {
    writeFileSync(files.response(PLAIN), '3\n');
    const { ino } = statSync(files.response(PLAIN));
    directory.emptyPlainResponse();
    expect(statSync(files.response(PLAIN))).toMatchObject({ size: 0 });
    expect(statSync(files.response(PLAIN)).ino).not.toBe(ino);
    expect(files.names()).toEqual(['response.txt']);
  });

  test('is left alone if there is none or it is empty', () => {
    directory.emptyPlainResponse();
    expect(files.names()).toEqual([]);
    writeFileSync(files.response(PLAIN), '');
    const { ino } = statSync(files.response(PLAIN));
    directory.emptyPlainResponse();
    expect(statSync(files.response(PLAIN)).ino).toBe(ino);
  });

  test.each(REMOVABLE)('is replaced if it is $name', (thing) => {
    thing.put(files.response(PLAIN), secret);
    directory.emptyPlainResponse();
    expectSecretUntouched();
    expect(lstatSync(files.response(PLAIN)).isFile()).toBe(true);
    expect(files.responseText(PLAIN)).toBe('');
    expect(files.names()).toEqual(['response.txt']);
  });

  test('that is a directory with content makes the request undeliverable', () => {
    files.write(PLAIN, 'A:2:7:1:2\n');
    NON_EMPTY_DIRECTORY.put(files.response(PLAIN), secret);
    expect(() => {
      directory.emptyPlainResponse();
    }).toThrow(UndeliverableError);
    expect(files.names()).toEqual(['response.txt']);
  });
});

describe('recovery', () => {
  /** As a mediator names a request that it has set aside in order to clear it. */
  function setAside({ ino, size, mtimeNs }: FileVersion): string {
    const aside = `.vgpu-taken-${ino}-${size}-${mtimeNs}-abcdefghijkl`;
    renameSync(files.request(PLAIN), files.at(aside));
    return aside;
  }

  const recover = () => {
    directory.recover(directory.list(100).names);
  };

  test('removes unfinished responses', () => {
    writeFileSync(files.at('.vgpu-answer-abcdefghijkl'), '30');
    writeFileSync(files.at('.vgpu-answer-'), '');
    recover();
    expect(files.names()).toEqual([]);
  });

  test('leaves everything else', () => {
    const names = [
      '.request-x.1',
      'a',
      'request-1.txt',
      'request.txt',
      'response.txt',
      'vgpu-taken-',
    ];
    for (const name of names) writeFileSync(files.at(name), '');
    recover();
    expect(files.names()).toEqual(names);
  });

  test('removes a request that was set aside after its response', () => {
    files.write(PLAIN, 'A:2:7:1:2\n');
    setAside(read(PLAIN));
    recover();
    expect(directory.read(PLAIN).kind).toBe('absent');
    afterHolding(directory);
    expect(files.names()).toEqual([]);
  });

  test.each([
    {
      how: 'rewritten in place',
      change: () => {
        files.write(PLAIN, 'A:2:7:10:20\n');
      },
    },
    {
      how: 'replaced',
      change: () => {
        files.put(PLAIN, 'A:2:7:10:20\n');
      },
    },
  ])('puts a request back that had been $how when it was set aside', async ({ change }) => {
    files.write(PLAIN, 'A:2:7:10:2\n');
    const file = read(PLAIN);
    await nextTick();
    change();
    setAside(file);
    recover();
    expect(directory.read(PLAIN)).toMatchObject({ kind: 'text', text: 'A:2:7:10:20\n' });
    expect(files.names()).toEqual(['request.txt']);
  });

  test('restores no file over a request that is newer still', () => {
    files.write(PLAIN, 'A:2:7:1:2\n');
    const file = read(PLAIN);
    files.write(PLAIN, 'A:2:7:10:20\n');
    setAside(file);
    files.write(PLAIN, 'A:2:7:100:200\n');
    recover();
    expect(directory.read(PLAIN)).toMatchObject({ kind: 'text', text: 'A:2:7:100:200\n' });
    expect(files.names()).toEqual(['request.txt']);
  });

  test('removes the second name if it was killed after restoring the name, before removing the other one', () => {
    files.write(PLAIN, 'A:2:7:1:2\n');
    const file = read(PLAIN);
    files.write(PLAIN, 'A:2:7:10:20\n');
    linkSync(files.at(setAside(file)), files.request(PLAIN));
    recover();
    expect(directory.read(PLAIN)).toMatchObject({ kind: 'text', text: 'A:2:7:10:20\n' });
    expect(files.names()).toEqual(['request.txt']);
  });

  test.each(REMOVABLE)('is not fooled by $name under such names', (thing) => {
    thing.put(files.at('.vgpu-answer-x'), secret);
    thing.put(files.at('.vgpu-taken-x'), secret);
    recover();
    // A link to a link is a link, so that even one that is restored as a request is never followed.
    const left = files.names().filter((name) => name !== 'request.txt');
    // A mediator leaves no directories.
    expect(left.filter((name) => !lstatSync(files.at(name)).isDirectory())).toEqual([]);
    expect(['absent', 'irregular', 'text']).toContain(directory.read(PLAIN).kind);
    rmSync(files.request(PLAIN), { force: true, recursive: true });
    expectSecretUntouched();
  });

  test('leaves a directory with content that has such a name', () => {
    NON_EMPTY_DIRECTORY.put(files.at('.vgpu-answer-x'), secret);
    NON_EMPTY_DIRECTORY.put(files.at('.vgpu-taken-x'), secret);
    recover();
    expect(files.names()).toEqual(['.vgpu-answer-x', '.vgpu-taken-x']);
  });
});

describe('listing', () => {
  const fill = (count: number) => {
    const names = Array.from({ length: count }, (_, i) => `file-${i}`).sort();
    for (const name of names) writeFileSync(files.at(name), '');
    return names;
  };

  test('continues where it was cut, and restarts after its end', () => {
    const all = fill(10);
    for (let round = 0; round < 2; round += 1) {
      const parts = [directory.list(4), directory.list(4), directory.list(4)];
      expect(parts.map(({ names }) => names.length)).toEqual([4, 4, 2]);
      expect(parts.map(({ complete }) => complete)).toEqual([false, false, true]);
      expect(parts.flatMap(({ names }) => names).sort()).toEqual(all);
    }
  });

  test('gives each name once, also if the system needs several reads', () => {
    const all = fill(700);
    const listed: string[] = [];
    for (let complete = false; !complete;) {
      const part = directory.list(97);
      expect(part.names.length).toBeLessThanOrEqual(97);
      listed.push(...part.names);
      complete = part.complete;
    }
    expect(listed.sort()).toEqual(all);
  });

  test('of an empty directory is complete', () => {
    expect(directory.list(1)).toEqual({ names: [], complete: true });
  });

  test('leaves nothing open, complete or not', () => {
    fill(10);
    directory.list(4);
    directory.close();
    expect(openBelow(root)).toEqual([]);
    directory = new VmDirectory(root, 7);
    directory.list(100);
    expect(openBelow(root)).toEqual([files.path]);
  });

  test('reports when a name last changed', () => {
    files.write(PLAIN, 'x');
    symlinkSync(secret, files.at('link'));
    expect(directory.ctimeNs('request.txt')).toBe(
      statSync(files.request(PLAIN), { bigint: true }).ctimeNs,
    );
    expect(directory.ctimeNs('link')).toBe(lstatSync(files.at('link'), { bigint: true }).ctimeNs);
    expect(directory.ctimeNs('none')).toBeUndefined();
  });
});

describe('stale files', () => {
  const FUTURE = 2n ** 63n;
  const removeStale = (beforeNs: bigint) =>
    directory.removeStale(directory.list(100).names, beforeNs);

  test('are unfetched responses and temporary requests, and nothing else', () => {
    const stale = ['.request-a.b', 'response-empty.txt', 'response-x.txt', 'response.txt'];
    const kept = [
      '.request-a',
      '.request-a.b.c',
      'notes.txt',
      'request-y.txt',
      'request-z.txt',
      'response-y.txt',
      'response-z.txt',
      'response-.txt',
      'responses.txt',
    ].sort();
    for (const name of [...stale, ...kept]) writeFileSync(files.at(name), 'x');
    writeFileSync(files.at('response-empty.txt'), '');
    writeFileSync(files.at('response-z.txt'), '');
    expect(removeStale(FUTURE)).toBe(stale.length);
    expect(files.names()).toEqual(kept);
  });

  test('are those that last changed before the given time', async () => {
    writeFileSync(files.at('response-old.txt'), '3\n');
    await nextTick();
    writeFileSync(files.at('response-new.txt'), '3\n');
    const beforeNs = statSync(files.at('response-new.txt'), { bigint: true }).ctimeNs;
    expect(removeStale(beforeNs)).toBe(1);
    expect(files.names()).toEqual(['response-new.txt']);
    expect(removeStale(beforeNs)).toBe(0);
  });

  test('are recognised by the ctime, which a guest cannot set', () => {
    writeFileSync(files.at('response-x.txt'), '3\n');
    const { ctimeNs } = statSync(files.at('response-x.txt'), { bigint: true });
    utimesSync(files.at('response-x.txt'), 0, 0);
    expect(removeStale(ctimeNs)).toBe(0);
  });

  test.each(REMOVABLE.filter(({ what }) => what !== 'a directory'))(
    'may be $name, which is itself removed',
    (thing) => {
      thing.put(files.response(named('x')), secret);
      expect(removeStale(FUTURE)).toBe(1);
      expect(files.names()).toEqual([]);
      expectSecretUntouched();
    },
  );

  test('are no directories', () => {
    mkdirSync(files.response(named('x')));
    expect(removeStale(FUTURE)).toBe(0);
    rmdirSync(files.response(named('x')));
  });

  test("do not include the plain slot's empty response: that is how the slot is initialised", () => {
    writeFileSync(files.response(PLAIN), '');
    expect(removeStale(FUTURE)).toBe(0);
    expect(files.names()).toEqual(['response.txt']);
  });

  test('may have gone meanwhile', () => {
    expect(directory.removeStale(['response-gone.txt'], FUTURE)).toBe(0);
  });
});
