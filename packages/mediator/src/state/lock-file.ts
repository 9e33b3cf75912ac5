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

/** Nothing is followed, and nothing blocks: others may be able to write into the directory. */
const SAFELY = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a file for a lock, and creates it where there is none. Nobody else may open it, or anybody could hold
 * the lock: it is its owner's, who is the superuser, this user, or whom the directory belongs to.
 *
 * It is open for reading: a file that is open for writing keeps its file system from being remounted.
 *
 * @throws the error of the system call that failed, or Error: what is wrong with a file of that name.
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
    throw new Error(`${path} is no file of its own; remove it`);
  }
  const self = geteuid?.();
  if (![0, self, uid].includes(facts.uid)) {
    throw new Error(
      `${path} belongs to user ${facts.uid}; remove it, and let nobody else write to the directory`,
    );
  }
  // What the superuser has made is for the mediator that the directory belongs to.
  if (self === 0 && facts.uid === 0 && uid !== 0) fchownSync(fd, uid, gid);
  if ((facts.mode & 0o077) !== 0)
    tolerate(['EPERM', 'EROFS'], () => {
      fchmodSync(fd, 0o600);
    });
}

/**
 * Locks it, and leaves in it whose the lock is.
 *
 * @returns whether it is locked now.
 * @throws as {@link flock}.
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

/** The process that has the lock, for people: its number and, where they may be read, its words. */
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
