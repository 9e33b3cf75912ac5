import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { addonIfAny } from './addon.js';
import { systemError } from './errno.js';

/** How often a lock that somebody else holds is tried, milliseconds. */
const RETRY_MS = 10;

/** The exit status of flock(1) with `-n` for a lock that somebody else holds. */
const HELD = 1;

/**
 * What flock(2) fails with where a file system does not lock, and how strerror(3) names it. EBADF is that of
 * NFS for what is open for reading only.
 */
const UNSUPPORTED = [
  { errno: -constants.errno.EBADF, text: 'Bad file descriptor' },
  { errno: -constants.errno.EINVAL, text: 'Invalid argument' },
  { errno: -constants.errno.ENOLCK, text: 'No locks available' },
  { errno: -constants.errno.ENOSYS, text: 'Function not implemented' },
  { errno: -constants.errno.EOPNOTSUPP, text: 'Operation not supported' },
];

/**
 * Locks an open file for this process alone. The lock belongs to the open file, and the kernel lets it
 * go when that is closed or the process ends, however it ends: nothing stale can remain.
 *
 * @param fd Its descriptor.
 * @param patienceMs How long to wait for somebody else who holds it, in milliseconds.
 * @returns Whether it is locked now.
 * @throws the error of flock(2), or of the program, which says why it cannot be locked at all.
 */
export function flock(fd: number, patienceMs: number): boolean {
  const end = performance.now() + patienceMs;
  while (!tryLock(fd)) {
    if (performance.now() >= end) return false;
    sleep(RETRY_MS);
  }
  return true;
}

/**
 * Whether locking has failed because the file system has no locks, and for no other reason.
 *
 * @param error What {@link flock} has thrown.
 */
export function isUnsupported(error: unknown): boolean {
  return UNSUPPORTED.some(({ errno }) => errno === (error as NodeJS.ErrnoException).errno);
}

function tryLock(fd: number): boolean {
  const addon = addonIfAny();
  if (addon === undefined) return tryLockByProgram(fd);
  const status = addon.flock(fd);
  if (status === -constants.errno.EWOULDBLOCK) return false;
  if (status < 0) throw systemError(status, 'flock');
  return true;
}

/** Node has no flock(2). The program does it in a child, which only shares the open file. */
function tryLockByProgram(fd: number): boolean {
  const { status, error, stderr } = spawnSync('flock', ['-n', '3'], {
    stdio: ['ignore', 'ignore', 'pipe', fd],
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (error !== undefined) {
    throw new Error(`cannot run flock (of util-linux or busybox): ${error.message}`, {
      cause: error,
    });
  }
  if (status === HELD) return false;
  if (status === 0) return true;
  const known = UNSUPPORTED.find(({ text }) => stderr.includes(text));
  const failure = new Error(`flock failed: ${stderr.trim()}`);
  throw known === undefined ? failure : Object.assign(failure, { errno: known.errno });
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
