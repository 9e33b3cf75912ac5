import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  linkSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import type { DirectoryCalls, FileAttributes, FileStats, Reading } from './directory-calls.js';
import { closeRead, errnoOf, tolerate } from './errno.js';

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** By Node alone, which has no openat(2): through the directory's descriptor in /proc. */
export class ProcCalls implements DirectoryCalls {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  lstat(name: string): FileStats | undefined {
    return lstatSync(this.#at(name), { bigint: true, throwIfNoEntry: false });
  }

  read(name: string, bytes: Uint8Array): Reading {
    const fd = this.open(name);
    try {
      const stats = fstatSync(fd, { bigint: true });
      // A file of another tenant may have been given a second name here.
      const isOwn = stats.isFile() && stats.nlink === 1n;
      const isToBeRead = isOwn && stats.size <= bytes.length;
      return { stats, bytes: isToBeRead ? readSync(fd, bytes, 0, bytes.length, 0) : 0 };
    } finally {
      closeRead(fd);
    }
  }

  create(name: string, content: string, { mode, uid, gid, mtimeNs }: FileAttributes): void {
    const fd = openSync(this.#at(name), CREATE, mode);
    try {
      for (let rest = content; rest !== '';) {
        rest = rest.slice(writeSync(fd, rest, null, 'latin1'));
      }
      if (mtimeNs !== undefined) futimesSync(fd, Number(mtimeNs) / 1e9, Number(mtimeNs) / 1e9);
      const is = fstatSync(fd, { bigint: true });
      if ((Number(is.mode) & 0o777) !== mode) fchmodSync(fd, mode);
      if (is.uid !== uid || is.gid !== gid) {
        // Only root may give a file away, and only to a user that its namespace knows; a developer's
        // mediator shares the user of its clients.
        tolerate(['EPERM', 'EINVAL'], () => {
          fchownSync(fd, Number(uid), Number(gid));
        });
      }
    } finally {
      closeSync(fd);
    }
  }

  open(name: string): number {
    return openSync(this.#at(name), READ);
  }

  rename(from: string, to: string): void {
    renameSync(this.#at(from), this.#at(to));
  }

  /** Node has no renameat2(2); link(2) does not replace either. */
  renameNoReplace(from: string, to: string): void {
    try {
      linkSync(this.#at(from), this.#at(to));
    } catch (error) {
      const isTaken = errnoOf(error) === 'EEXIST' || this.lstat(to) !== undefined;
      if (errnoOf(error) === undefined || isTaken) throw error;
      // Not every file system has second links, nor may everybody make one (fs.protected_hardlinks).
      this.rename(from, to);
      return;
    }
    this.unlink(from);
  }

  unlink(name: string): void {
    unlinkSync(this.#at(name));
  }

  rmdir(name: string): void {
    rmdirSync(this.#at(name));
  }

  #at(name: string): string {
    return `${this.#path}/${name}`;
  }
}
