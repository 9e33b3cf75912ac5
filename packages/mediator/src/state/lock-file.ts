import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { geteuid } from 'node:process';
import { escapeControls } from '@vgpu/protocol';
import { closeRead, flock, tolerate } from '@vgpu/linux';

/** Follows no link and does not block: other users may be able to write to the directory. */
const SAFELY = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a file for a lock, and creates it if it does not exist. Only its owner can open it, since
 * any user who can open it can hold the lock; the owner is the superuser, this user, or the owner
 * of the directory.
 *
 * It is opened for reading: a file that is open for writing prevents remounting its file system.
 *
 * @throws the error of the system call that failed, or Error if the existing file is not suitable.
 */
export function openLockFile(path: string): number {
  const fd = openSync(path, constants.O_RDONLY | constants.O_CREAT | SAFELY, 0o600);
  try {
    requireOurs(fd, path);
    return fd;
  } catch (error) {
    closeRead(fd);
    throw error;
  }
}

function requireOurs(fd: number, path: string): void {
  const facts = fstatSync(fd);
  const { uid, gid } = statSync(dirname(path));
  if (!facts.isFile() || facts.nlink !== 1) {
    throw new Error(`${path} is not a regular file with one name; remove it`);
  }
  const self = geteuid?.();
  if (![0, self, uid].includes(facts.uid)) {
    throw new Error(
      `${path} belongs to user ${facts.uid}; remove it, and allow no other user to write to the directory`,
    );
  }
  // A file of the superuser is given to the mediator's user, who owns the directory.
  if (self === 0 && facts.uid === 0 && uid !== 0) fchownSync(fd, uid, gid);
  if ((facts.mode & 0o077) !== 0)
    tolerate(['EPERM', 'EROFS'], () => {
      fchmodSync(fd, 0o600);
    });
}

/**
 * Locks a lock file, and writes the process ID into it.
 *
 * @returns Whether it is locked now.
 * @throws As {@link flock} does.
 */
export function lockFile(fd: number, path: string, patienceMs: number): boolean {
  if (!flock(fd, patienceMs)) return false;
  tolerate(['EACCES', 'EROFS', 'ENOSPC', 'EDQUOT'], () => {
    const writable = openSync(path, constants.O_WRONLY | SAFELY);
    try {
      ftruncateSync(writable);
      writeSync(writable, `${process.pid}\n`);
    } finally {
      closeSync(writable);
    }
  });
  return true;
}

/** The holder of a lock, for people: its process ID and, if readable, its command line. */
export function holderOf(path: string): string {
  const pid = tolerate(['EACCES', 'ENOENT'], () => readFileSync(path, 'latin1').trim()) ?? '';
  if (!/^[1-9][0-9]{0,9}$/.test(pid)) return 'another process';
  const words = tolerate(['EACCES', 'ENOENT', 'ESRCH'], () =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8'),
  );
  if (words === undefined) return 'another process';
  const shown = escapeControls(words.split('\0').join(' ').trim());
  return shown === '' ? `process ${pid}` : `process ${pid} (${shown})`;
}
