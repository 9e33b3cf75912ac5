/** Actions of a guest at the worst moment, and failures of system calls at any. */
import * as fs from 'node:fs';
import { constants } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MAX_LINE_BYTES, type Slot } from '@vgpu/protocol';
import type { FileVersion } from '../../src/spool/file-version.js';
import { afterHolding } from '../support/after-holding.js';
import { callOf, FakeFs, systemError, type FsCall } from '../support/fake-fs.js';
import { makeFifo, makeSocket } from '../support/hostile.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';
import { named, PLAIN, VmFiles } from '../support/vm-files.js';

const fakeFs = new FakeFs();
const { UndeliverableError } = await import('../../src/scheduling/request-source.js');
const { VmDirectory } = await import('../../src/spool/vm-directory.js');

const SECRET = 'A:2:1:1:1\n';
const OLD = 'A:2:7:1:2\n';
const NEW = 'A:2:7:10:20\n';
const NEWEST = 'A:2:7:100:200\n';

/** The flags of renameat2(2). */
const [NO_REPLACE, EXCHANGE] = [1, 2];

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
  fs.writeFileSync(secret, SECRET);
  files = new VmFiles(root, 7);
  directory = new VmDirectory(root, 7);
});

afterEach(() => {
  fakeFs.restore();
  directory.close();
  expect(fs.readFileSync(secret, 'latin1')).toBe(SECRET);
  expect(openBelow(root)).toEqual([]);
});

function read(slot: Slot): FileVersion {
  const content = directory.read(slot);
  if (!('version' in content)) throw new Error(`expected something to read, got ${content.kind}`);
  return content.version;
}

describe.each(slots)('a swap while reading $title', ({ slot }) => {
  const path = () => files.request(slot);
  const afterLstat = (action: () => void) => {
    fakeFs.after((call) => call.name === 'lstatSync', action);
  };
  const replaceBy = (put: (path: string) => void) => () => {
    fs.unlinkSync(path());
    put(path());
  };

  // Its only other name gone, a hard link appears as a file with one link.
  const removeOnceOpen = () => {
    fakeFs.after(
      (call) => call.name === 'openSync',
      () => {
        fs.unlinkSync(path());
      },
    );
  };

  beforeEach(() => {
    files.write(slot, OLD);
  });

  test('for a symbolic link gives nothing of the file outside', () => {
    afterLstat(
      replaceBy((at) => {
        fs.symlinkSync(secret, at);
      }),
    );
    expect(directory.read(slot)).toEqual({ kind: 'absent' });
  });

  test('for a hard link gives nothing of the file outside', () => {
    afterLstat(
      replaceBy((at) => {
        fs.linkSync(secret, at);
      }),
    );
    expect(directory.read(slot)).toMatchObject({ kind: 'irregular', what: 'a hard link' });
    fs.unlinkSync(path());
  });

  test('for a hard link that is removed once it is open gives nothing of the file outside', () => {
    afterLstat(() => {
      replaceBy((at) => {
        fs.linkSync(secret, at);
      })();
      removeOnceOpen();
    });
    expect(directory.read(slot)).toEqual({ kind: 'absent' });
  });

  test('of a hard link, removed once it is open, gives nothing of the file outside', () => {
    fs.unlinkSync(path());
    fs.linkSync(secret, path());
    removeOnceOpen();
    expect(directory.read(slot).kind).not.toBe('text');
  });

  test('for a FIFO does not block', () => {
    afterLstat(replaceBy(makeFifo));
    expect(directory.read(slot)).toMatchObject({ kind: 'irregular', what: 'a FIFO' });
  });

  test('for a socket gives nothing', () => {
    afterLstat(replaceBy(makeSocket));
    expect(directory.read(slot)).toEqual({ kind: 'absent' });
  });

  test('for a directory is noticed', () => {
    afterLstat(replaceBy(fs.mkdirSync));
    expect(directory.read(slot)).toMatchObject({ kind: 'irregular', what: 'a directory' });
  });

  test('for nothing gives nothing', () => {
    afterLstat(() => {
      fs.unlinkSync(path());
    });
    expect(directory.read(slot)).toEqual({ kind: 'absent' });
  });

  test('for a file that is too large is noticed before it is read', () => {
    afterLstat(() => {
      fs.truncateSync(path(), 2 ** 40);
    });
    expect(directory.read(slot)).toMatchObject({ kind: 'too-large', bytes: 2n ** 40n });
  });

  test('that removes the file once it is open is a withdrawal, not a hard link', () => {
    fakeFs.after(
      (call) => call.name === 'openSync',
      () => {
        fs.unlinkSync(path());
      },
    );
    expect(directory.read(slot)).toEqual({ kind: 'absent' });
  });

  test('that makes the file grow after its size was seen is noticed', () => {
    fakeFs.after(
      (call) => call.name === 'fstatSync',
      () => {
        fs.truncateSync(path(), MAX_LINE_BYTES + 10);
      },
    );
    expect(directory.read(slot)).toMatchObject({ kind: 'too-large' });
  });

  test('that empties the file after its size was seen is noticed', () => {
    fakeFs.after(
      (call) => call.name === 'fstatSync',
      () => {
        fs.truncateSync(path());
      },
    );
    expect(directory.read(slot)).toEqual({ kind: 'empty' });
  });

  test('that rewrites the file while it is read shows in the identity', () => {
    const { ctimeNs } = fs.statSync(path(), { bigint: true });
    fakeFs.after(
      (call) => call.name === 'fstatSync',
      () => {
        files.write(slot, NEW);
      },
    );
    expect(directory.read(slot)).toMatchObject({ kind: 'text', version: { ctimeNs } });
  });
});

describe.each(slots)('an error of opening a request in $title', ({ slot }) => {
  beforeEach(() => {
    files.write(slot, OLD);
  });

  test('EACCES makes the request irregular', () => {
    fakeFs.intercept(({ name, proceed }) => {
      if (name === 'openSync') throw systemError('EACCES');
      return proceed();
    });
    expect(directory.read(slot)).toMatchObject({
      kind: 'irregular',
      what: 'a file that the mediator may not read',
    });
  });

  test.each(['ESTALE', 'EIO', 'EMFILE'])('%s is thrown', (code) => {
    fakeFs.intercept(({ name, proceed }) => {
      if (name === 'openSync') throw systemError(code);
      return proceed();
    });
    expect(() => directory.read(slot)).toThrow(expect.objectContaining({ code }));
  });

  test('a failing read is thrown, and the file closed', () => {
    fakeFs.intercept(({ name, proceed }) => {
      if (name === 'readSync') throw systemError('EIO');
      return proceed();
    });
    expect(() => directory.read(slot)).toThrow(expect.objectContaining({ code: 'EIO' }));
    expect(openBelow(root)).toEqual([files.path]);
  });
});

describe.each(slots)('writing a response in $title', ({ slot }) => {
  beforeEach(() => {
    files.write(slot, OLD);
  });

  test('creates a file that did not exist, through no link', () => {
    const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = fs.constants;
    const created: unknown[][] = [];
    const file = read(slot);
    fakeFs.intercept(({ name, args, proceed }) => {
      if (name === 'openSync' && Number(args[1]) & O_CREAT) created.push([...args]);
      return proceed();
    });
    directory.respond(slot, file, '3\n');
    expect(created).toHaveLength(1);
    expect(created[0]?.[0]).toMatch(/^\/proc\/\d+\/fd\/\d+\/\.vgpu-answer-[\w-]{8,}$/);
    expect(created[0]?.[1]).toBe(O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY);
  });

  test('never uses a temporary name twice', () => {
    const used = new Set<unknown>();
    fakeFs.intercept(({ name, args, proceed }) => {
      if (name === 'openSync' && String(args[0]).includes('.vgpu-answer-')) used.add(args[0]);
      return proceed();
    });
    for (let i = 0; i < 20; i += 1) {
      files.write(slot, OLD);
      directory.respond(slot, read(slot), '3\n');
    }
    expect(used.size).toBe(20);
  });

  test('through a link that was swapped in for the temporary file does not reach the target', () => {
    fakeFs.after(
      ({ name, args }) => name === 'openSync' && String(args[0]).includes('.vgpu-answer-'),
      () => {
        const temporary = files.names().find((name) => name.startsWith('.vgpu-answer-')) ?? '';
        fs.unlinkSync(files.at(temporary));
        fs.symlinkSync(secret, files.at(temporary));
      },
    );
    directory.respond(slot, read(slot), '3\n');
    expect(fs.readFileSync(secret, 'latin1')).toBe(SECRET);
  });

  test.each(['ENOSPC', 'EDQUOT', 'EIO'] as const)(
    '%s, at any call, leaves only the request, and no open descriptor',
    (code) => {
      for (const failing of ['openSync', 'writeSync', 'fchmodSync', 'renameSync'] as const) {
        // Another mode than the file is created with, so that every call is made.
        fs.chmodSync(files.path, 0o777);
        directory.refresh();
        const file = read(slot);
        let failed = 0;
        fakeFs.intercept(({ name, proceed }) => {
          if (name !== failing) return proceed();
          failed += 1;
          throw systemError(code);
        });
        expect(() => directory.respond(slot, file, '3\n')).toThrow(
          expect.objectContaining({ code }),
        );
        fakeFs.restore();
        expect({ failing, failed }).toEqual({ failing, failed: 1 });
        expect(files.names()).toEqual([slot.kind === 'plain' ? 'request.txt' : 'request-x.txt']);
        expect(openBelow(root)).toEqual([files.path]);
        expect(directory.stateOf(slot, file)).toBe('untouched');
      }
    },
  );

  test('is completed if the system writes only a part of it', () => {
    // write(2) does so when the disk fills up meanwhile, and fails only at the next call.
    fakeFs.intercept(({ name, args, proceed }) => {
      if (name !== 'writeSync') return proceed();
      const [fd, data, from] = args as [number, string | Uint8Array, number | null | undefined];
      if (typeof data === 'string') return fs.writeSync(fd, data.slice(0, 2), null, 'latin1');
      const offset = from ?? 0;
      return fs.writeSync(fd, data, offset, Math.min(2, data.length - offset));
    });
    expect(directory.respond(slot, read(slot), '1234567\n')).toBe('delivered');
    expect(files.responseText(slot)).toBe('1234567\n');
  });

  test('gives the directory its response if only the superuser may give files away', () => {
    fakeFs.intercept(({ name, proceed }) => {
      if (name === 'fchownSync') throw systemError('EPERM');
      return proceed();
    });
    expect(directory.respond(slot, read(slot), '3\n')).toBe('delivered');
  });

  test('over a directory that is filled just before it is removed is undeliverable', () => {
    fs.mkdirSync(files.response(slot));
    const file = read(slot);
    fakeFs.intercept(({ name, proceed }) => {
      if (name === 'rmdirSync') fs.writeFileSync(join(files.response(slot), 'inside'), '');
      return proceed();
    });
    expect(() => directory.respond(slot, file, '3\n')).toThrow(UndeliverableError);
    fakeFs.restore();
    expect(files.hasRequest(slot)).toBe(false);
    expect(files.names()).toHaveLength(1);
  });
});

test('a response to a named request that is withdrawn at the last moment does not stay', () => {
  const slot = named('x');
  files.write(slot, OLD);
  const file = read(slot);
  fakeFs.after(callOf('renameSync', 'response-x.txt'), () => {
    fs.unlinkSync(files.request(slot));
  });
  expect(directory.respond(slot, file, '3\n')).toBe('withdrawn');
  expect(files.names()).toEqual([]);
});

describe('a plain request that is written between response and clearing', () => {
  const responded = callOf('renameSync', 'response.txt');
  let file: FileVersion;

  beforeEach(() => {
    files.write(PLAIN, OLD);
    file = read(PLAIN);
  });

  const expectRequest = (line: string) => {
    expect(files.responseText(PLAIN)).toBe('3\n');
    expect(directory.read(PLAIN)).toMatchObject({ kind: 'text', text: line });
    expect(files.names()).toEqual(['request.txt', 'response.txt']);
  };

  test.each([
    {
      how: 'in place',
      write: () => {
        files.write(PLAIN, NEW);
      },
    },
    {
      how: 'by renaming',
      write: () => {
        files.put(PLAIN, NEW);
      },
    },
    {
      how: 'after removing the old one',
      write: () => {
        fs.unlinkSync(files.request(PLAIN));
        files.write(PLAIN, NEW);
      },
    },
  ])('$how is not lost', ({ write }) => {
    fakeFs.after(responded, write);
    expect(directory.respond(PLAIN, file, '3\n')).toBe('delivered');
    expectRequest(NEW);
  });

  test('with another still newer, once it is set aside, leaves the newest', () => {
    fakeFs.intercept(({ name, args, proceed }) => {
      if (name !== 'renameSync' || !String(args[1]).includes('.vgpu-taken-')) return proceed();
      files.write(PLAIN, NEW);
      const result = proceed();
      files.write(PLAIN, NEWEST);
      return result;
    });
    directory.respond(PLAIN, file, '3\n');
    expectRequest(NEWEST);
  });

  test('stays at its name all the time', () => {
    const names: string[] = [];
    fakeFs.after(responded, () => {
      files.write(PLAIN, NEW);
      fakeFs.intercept(({ name, args, proceed }) => {
        if (name === 'renameSync') names.push(String(args[0]));
        return proceed();
      });
    });
    expect(directory.respond(PLAIN, file, '3\n')).toBe('delivered');
    expectRequest(NEW);
    expect(names).toEqual([]);
  });

  test('by a writer that has only emptied the file so far stays its file', () => {
    let fd = -1;
    fakeFs.after(responded, () => {
      fd = fs.openSync(files.request(PLAIN), 'w');
    });
    directory.respond(PLAIN, file, '3\n');
    fs.writeSync(fd, NEW);
    fs.closeSync(fd);
    expectRequest(NEW);
  });

  test.each(['EPERM', 'EOPNOTSUPP', 'EMLINK'])(
    'is not lost if the file system or the kernel refuses a second link: %s',
    (code) => {
      // EPERM: vfat, or fs.protected_hardlinks and a mediator that does not run as root.
      fakeFs.intercept((call) => {
        if (call.name === 'linkSync') throw systemError(code);
        const result = call.proceed();
        if (responded(call)) files.write(PLAIN, NEW);
        return result;
      });
      directory.respond(PLAIN, file, '3\n');
      fakeFs.restore();
      expectRequest(NEW);
    },
  );

  test('is withdrawn: no request is left to clear', () => {
    fakeFs.after(responded, () => {
      fs.unlinkSync(files.request(PLAIN));
    });
    expect(directory.respond(PLAIN, file, '3\n')).toBe('delivered');
    expect(files.names()).toEqual(['response.txt']);
  });
});

test.each(['EIO', 'ESTALE'])('a directory is closed if the file system says %s', (code) => {
  fakeFs.intercept(({ name, proceed }) => {
    if (name === 'fstatSync') throw systemError(code);
    return proceed();
  });
  directory.close();
  fakeFs.restore();
  expect(openBelow(root)).toEqual([]);
});

describe('a file that may take long to free', () => {
  const huge = (path: string) => {
    fs.writeFileSync(path, Buffer.alloc(2 ** 20));
  };
  /** The names that a thread is given to remove while something is done. */
  const removedBy = (action: () => void): string[] => {
    const names: string[] = [];
    fakeFs.intercept((call) => {
      if (call.name === 'unlinkSync') names.push(basename(String(call.args[0])));
      return call.proceed();
    });
    action();
    fakeFs.restore();
    return names;
  };
  const CLEARED = expect.stringMatching(/^\.vgpu-(?:cleared|taken)-/) as unknown;

  test.each(slots)('is not freed in the place of a request in $title', ({ slot }) => {
    huge(files.request(slot));
    const file = read(slot);
    const removed = removedBy(() => {
      expect(directory.respond(slot, file, '3\n')).toBe('delivered');
      afterHolding(directory);
    });
    expect(removed).toEqual([CLEARED]);
    expect(files.hasRequest(slot)).toBe(false);
  });

  test('is held open if a response replaces it and names cannot be exchanged', () => {
    files.write(PLAIN, OLD);
    const file = read(PLAIN);
    huge(files.response(PLAIN));
    // Nothing but O_PATH opens this where the mediator is not the superuser.
    fs.chmodSync(files.response(PLAIN), 0);
    let held: string[] = [];
    fakeFs.intercept((call) => {
      if (callOf('renameSync', '/response.txt')(call)) held = openBelow(root);
      return call.proceed();
    });
    expect(directory.respond(PLAIN, file, '3\n')).toBe('delivered');
    fakeFs.restore();
    expect(held).toContain(files.response(PLAIN));
    expect(files.responseText(PLAIN)).toBe('3\n');
  });

  test('is not freed at once if it is stale', () => {
    huge(files.response(named('x')));
    const removed = removedBy(() => {
      directory.removeStale(files.names(), 2n ** 63n);
    });
    expect(removed).toEqual([CLEARED]);
    expect(files.names()).toEqual([]);
  });
});

describe('a response that the addon puts in place', () => {
  const slot = named('x');
  let swaps: (() => void)[];
  let flags: unknown[];

  beforeEach(() => {
    fakeFs.hasAddon = true;
    directory.close();
    directory = new VmDirectory(root, 7);
    files.write(slot, OLD);
    flags = [];
  });
  afterEach(() => {
    fakeFs.hasAddon = false;
  });

  /** Puts a response in place while a guest swaps the file of that name, each time after it was checked. */
  const respond = () => {
    const file = read(slot);
    fakeFs.intercept((call) => {
      if (call.name === 'renameAt' && call.args[2] === 'response-x.txt') flags.push(call.args[3]);
      const result = call.proceed();
      if (call.name === 'statAt' && call.args[1] === 'response-x.txt') swaps.shift()?.();
      return result;
    });
    try {
      return directory.respond(slot, file, '3\n');
    } finally {
      fakeFs.restore();
    }
  };
  const put = (text: string) => () => {
    fs.rmSync(files.response(slot), { force: true });
    fs.writeFileSync(files.response(slot), text);
  };
  const remove = () => {
    fs.unlinkSync(files.response(slot));
  };

  test.each([
    ['appears', () => undefined, [put('slow')], [NO_REPLACE, EXCHANGE]],
    ['disappears', put('old'), [remove], [EXCHANGE, NO_REPLACE]],
    ['is another one', put('old'), [put('slow')], [EXCHANGE]],
    ['comes and goes', put('old'), [remove, put('slow')], [EXCHANGE, NO_REPLACE, EXCHANGE]],
  ])('replaces nothing by rename(2) where a file %s', (_what, before, swapped, expected) => {
    before();
    swaps = swapped;
    expect(respond()).toBe('delivered');
    expect(flags).toEqual(expected);
    expect(files.names()).toEqual(['response-x.txt']);
    expect(files.responseText(slot)).toBe('3\n');
  });

  test('is given up for now if that never ends; no file is left', () => {
    swaps = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? put('slow') : remove));
    expect(respond).toThrow(expect.objectContaining({ code: 'EBUSY' }));
    expect(files.names().filter((name) => name.startsWith('.'))).toEqual([]);
    expect(files.hasRequest(slot)).toBe(true);
  });

  test.each(['EINVAL', 'ENOSYS'] as const)('is renamed if the file system says %s', (code) => {
    put('old')();
    const file = read(slot);
    fakeFs.intercept((call) => {
      if (call.name === 'renameAt' && Number(call.args[3]) !== 0) return -constants.errno[code];
      return call.proceed();
    });
    expect(directory.respond(slot, file, '3\n')).toBe('delivered');
    expect(files.responseText(slot)).toBe('3\n');
    expect(files.names()).toEqual(['response-x.txt']);
  });
});

/** Acts like `kill -9`: from some call on, no call is made. */
class FakeKill extends Error {}

const isChange = ({ name }: FsCall): boolean =>
  /^(?:open|write|futimes|fchmod|fchown|rename|link|unlink|rmdir)Sync$/.test(name);

/** Dies before the change with this number; gives false if there were fewer. */
function killBefore(change: number, action: () => void): boolean {
  let changes = 0;
  let killed = false;
  const opened = new Set<number>();
  fakeFs.intercept((call) => {
    killed ||= isChange(call) && ++changes > change;
    if (killed) throw new FakeKill();
    const result = call.proceed();
    if (call.name === 'openSync') opened.add(result as number);
    if (call.name === 'closeSync') opened.delete(call.args[0] as number);
    return result;
  });
  try {
    action();
  } catch (error) {
    if (!(error instanceof FakeKill)) throw error;
  } finally {
    fakeFs.restore();
    // The kernel closes the descriptors of a killed process.
    for (const fd of opened) fs.closeSync(fd);
  }
  return killed;
}

describe('a mediator that is killed while it responds', () => {
  test.each(slots)('loses nothing and leaves nothing half done, in $title', ({ slot }) => {
    let kills = 0;
    for (let killed = true; killed; kills += 1) {
      files.write(slot, OLD);
      fs.rmSync(files.response(slot), { force: true });
      const file = read(slot);
      killed = killBefore(kills, () => {
        directory.respond(slot, file, '3\n');
      });
      const next = new VmDirectory(root, 7);
      next.recover(next.list(100).names);
      next.close();
      // The old response or none, never a part; and a request without a response is still there.
      expect(['', '3\n']).toContain(files.responseText(slot));
      if (files.responseText(slot) === '') expect(directory.stateOf(slot, file)).toBe('untouched');
      expect(files.names().filter((name) => name.startsWith('.'))).toEqual([]);
      if (!killed) expect(files.hasRequest(slot)).toBe(false);
    }
    expect(kills).toBeGreaterThan(4);
  });

  test('does not lose a plain request that was written meanwhile', () => {
    let kills = 0;
    for (let killed = true; killed; kills += 1) {
      fs.rmSync(files.response(PLAIN), { force: true });
      files.write(PLAIN, OLD);
      const file = read(PLAIN);
      killed = killBefore(kills, () => {
        directory.respond(PLAIN, file, '3\n');
      });
      // The client has its response and continues, at whichever instruction the mediator was killed.
      if (files.responseText(PLAIN) !== '') files.write(PLAIN, NEW);
      const next = new VmDirectory(root, 7);
      next.recover(next.list(100).names);
      const content = next.read(PLAIN);
      next.close();
      expect(content).toMatchObject({
        kind: 'text',
        text: files.responseText(PLAIN) === '' ? OLD : NEW,
      });
      expect(files.names().filter((name) => name.startsWith('.'))).toEqual([]);
    }
    expect(kills).toBeGreaterThan(4);
  });

  test('or while it restores a newer plain request does not lose that one', () => {
    let kills = 0;
    for (let killed = true; killed; kills += 1) {
      files.write(PLAIN, OLD);
      const file = read(PLAIN);
      files.write(PLAIN, NEW);
      killed = killBefore(kills, () => {
        directory.clear(PLAIN, file);
      });
      const next = new VmDirectory(root, 7);
      next.recover(next.list(100).names);
      expect(next.read(PLAIN)).toMatchObject({ kind: 'text', text: NEW });
      next.close();
      expect(files.names()).toEqual(['request.txt']);
    }
    expect(kills).toBeGreaterThan(2);
  });
});

test('the mark of a plain request is not given to a hard link that is removed once it is open', () => {
  const { mtimeMs } = fs.statSync(secret);
  fs.linkSync(secret, files.request(PLAIN));
  fakeFs.after(
    (call) => call.name === 'openSync',
    () => {
      fs.unlinkSync(files.request(PLAIN));
    },
  );
  expect(directory.markPlain(SECRET)).toBeUndefined();
  expect(fs.statSync(secret).mtimeMs).toBe(mtimeMs);
});
