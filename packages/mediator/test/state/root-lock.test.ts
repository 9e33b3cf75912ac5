/** What keeps a second mediator off a root. */
import * as childProcess from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { describeIf } from '../../../../tests/support/describe-if.js';
import { describeWithMounts } from '../../../../tests/support/world.js';
import { InstanceLock, ROOT_LOCK } from '../../src/state/instance-lock.js';
import { MediatorError } from '../../src/mediator-error.js';
import { addonIfAny } from '@vgpu/linux';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';

let stateDir: string;
const locks: InstanceLock[] = [];
const holders: childProcess.ChildProcess[] = [];

beforeEach(() => {
  stateDir = join(temporaryDirectory(), 'state');
});
afterEach(() => {
  jest.restoreAllMocks();
  for (const lock of locks.splice(0)) lock.release();
  for (const { pid } of holders.splice(0)) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  expect(openBelow(stateDir)).toEqual([]);
});

/** What acquiring fails with. */
function failureOf(lock: InstanceLock): MediatorError {
  try {
    lock.acquire();
  } catch (error) {
    if (error instanceof MediatorError) return error;
    throw error;
  }
  throw new Error('expected that it could not be acquired');
}

describe('the lock of a root', () => {
  let root: string;
  const warnings: string[] = [];
  const logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message: string) => warnings.push(message),
    error: () => undefined,
  };
  beforeEach(() => {
    root = temporaryDirectory();
    chmodSync(root, 0o755);
    warnings.length = 0;
  });
  function rootLock(state = stateDir): InstanceLock {
    const lock = new InstanceLock(state, root, logger);
    locks.push(lock);
    return lock;
  }

  /** Holds a lock, as any user can who can open the file. */
  async function heldByOther(target: string): Promise<void> {
    const holder = childProcess.spawn('flock', [target, 'sh', '-c', 'echo held; exec sleep 600'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    holder.unref();
    await once(holder.stdout, 'data');
    holders.push(holder);
  }

  test('another state directory does not help where the root is the same', () => {
    rootLock().acquire();
    const { code, message } = failureOf(rootLock(`${stateDir}-2`));
    expect(code).toBe('ALREADY_RUNNING');
    expect(message).toContain(`process ${process.pid} (`);
    expect(message).toContain(join(root, ROOT_LOCK));
    expect(openBelow(`${stateDir}-2`)).toEqual([]);
    locks[0]?.release();
    rootLock(`${stateDir}-2`).acquire();
    expect(statSync(join(root, ROOT_LOCK)).mode & 0o777).toBe(0o600);
    expect(warnings).toEqual([]);
  });

  test('a lock on the root directory has no effect, and is reported', async () => {
    await heldByOther(root);
    rootLock().acquire();
    expect(warnings).toEqual([
      'another process holds a lock on the root directory, which has no effect',
    ]);
    expect(failureOf(rootLock(`${stateDir}-2`)).code).toBe('ALREADY_RUNNING');
  });

  test('a mediator that locks the root itself only is kept off', () => {
    rootLock().acquire();
    expect(childProcess.spawnSync('flock', ['-n', root, 'true']).status).toBe(1);
  });

  test('the root that has the name now is locked, the one before no more', () => {
    const lock = rootLock();
    lock.acquire();
    renameSync(root, `${root}-old`);
    mkdirSync(root);
    lock.lockRoot();
    expect(failureOf(rootLock(`${stateDir}-2`)).code).toBe('ALREADY_RUNNING');
    const old = new InstanceLock(`${stateDir}-3`, `${root}-old`);
    locks.push(old);
    old.acquire();
  });

  test.each([
    [
      'a link',
      (path: string) => {
        symlinkSync('/etc/passwd', path);
      },
      'ELOOP',
    ],
    [
      'a directory',
      (path: string) => {
        mkdirSync(path);
      },
      'EISDIR',
    ],
    [
      'a FIFO',
      (path: string) => {
        childProcess.spawnSync('mkfifo', [path]);
      },
      'not a regular file with one name',
    ],
    [
      'a further name of another file',
      (path: string) => {
        writeFileSync(join(root, 'precious'), 'precious');
        linkSync(join(root, 'precious'), path);
      },
      'not a regular file with one name',
    ],
  ])('%s in its place is refused, and left alone', (_what, make, reason) => {
    make(join(root, ROOT_LOCK));
    const error = failureOf(rootLock());
    expect(error.code).toBe('ROOT_UNUSABLE');
    expect(error.message).toContain(reason);
    if (existsSync(join(root, 'precious'))) {
      expect(readFileSync(join(root, 'precious'), 'utf8')).toBe('precious');
    }
  });

  test('a file that others may open is closed to them', () => {
    writeFileSync(join(root, ROOT_LOCK), '');
    chmodSync(join(root, ROOT_LOCK), 0o666);
    rootLock().acquire();
    expect(statSync(join(root, ROOT_LOCK)).mode & 0o777).toBe(0o600);
  });

  test('a file system without locks is used all the same, for the state directory is locked', () => {
    rootLock().acquire();
    locks[0]?.release();
    const addon = addonIfAny();
    if (addon === undefined) return;
    const fails = (errno: number) => {
      jest.spyOn(addon, 'flock').mockImplementation((fd) => {
        const isState = readlinkSync(`/proc/self/fd/${fd}`).startsWith(stateDir);
        return isState ? 0 : -errno;
      });
    };
    fails(constants.errno.ENOLCK);
    rootLock().acquire();
    for (const errno of [constants.errno.ENOMEM, constants.errno.ENOSPC, constants.errno.EIO]) {
      fails(errno);
      expect(failureOf(rootLock()).code).toBe('ROOT_UNUSABLE');
    }
  });
});

const isSuperuser = process.getuid?.() === 0;
const HOW = 'skipped: it gives files to other users; run it as root';
describeIf(isSuperuser, HOW, 'the lock file of a root', () => {
  const [MEDIATOR, OTHER] = [60_000, 60_001];
  let root: string;
  beforeEach(() => {
    root = temporaryDirectory();
    chmodSync(root, 0o777);
  });

  function failureIn(): MediatorError {
    const lock = new InstanceLock(stateDir, root);
    locks.push(lock);
    return failureOf(lock);
  }

  test('made by another user is refused, with whose it is', () => {
    writeFileSync(join(root, ROOT_LOCK), '');
    chownSync(join(root, ROOT_LOCK), OTHER, OTHER);
    const { code, message } = failureIn();
    expect(code).toBe('ROOT_UNUSABLE');
    expect(message).toContain(`belongs to user ${OTHER}; remove it`);
    expect(readFileSync(join(root, ROOT_LOCK), 'utf8')).toBe('');
  });

  test("made by the superuser is the root's owner's, who may use it later", () => {
    chownSync(root, MEDIATOR, MEDIATOR);
    const lock = new InstanceLock(stateDir, root);
    locks.push(lock);
    lock.acquire();
    expect(statSync(join(root, ROOT_LOCK))).toMatchObject({ uid: MEDIATOR, gid: MEDIATOR });
  });
});

describeWithMounts('a root that is read-only', () => {
  test('has no lock file, and is locked itself', () => {
    const root = temporaryDirectory();
    childProcess.spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'none', root]);
    try {
      const lock = new InstanceLock(stateDir, root);
      locks.push(lock);
      lock.acquire();
      expect(readdirSync(root)).toEqual([]);
      const second = new InstanceLock(`${stateDir}-2`, root);
      expect(failureOf(second)).toMatchObject({ code: 'ALREADY_RUNNING' });
      lock.release();
    } finally {
      childProcess.spawnSync('umount', ['-l', root]);
    }
  });
});
