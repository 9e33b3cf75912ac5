import {
  close,
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
  rmdir,
  unlink,
  writeSync,
} from 'node:fs';
import { constants as system } from 'node:os';
import type { DirectoryCalls, FileAttributes, FileStats, Reading } from './directory-calls.js';
import { closeRead, systemError, tolerate } from '@vgpu/linux';

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Node has no name for this flag. */
const O_PATH = 0o10000000;
const HOLD = O_PATH | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** In blocks of 512 bytes. Freeing a file of a single file system block takes negligible time. */
const FEW_BLOCKS = 8n;

/** Does something, and calls `done` at the end, also after a failure. */
type Step = (done: () => void) => void;

/**
 * The steps of one directory on the threads of Node's pool, one at a time: a VM whose files take long to free
 * occupies at most one of the four threads.
 */
class StepQueue {
  readonly #steps: Step[] = [];
  #isBusy = false;

  get outstanding(): number {
    return this.#steps.length + Number(this.#isBusy);
  }

  /** @returns the number of outstanding steps. */
  add(step: Step): number {
    this.#steps.push(step);
    if (!this.#isBusy) this.#next();
    return this.outstanding;
  }

  #next(): void {
    const step = this.#steps.shift();
    this.#isBusy = step !== undefined;
    step?.(() => {
      this.#next();
    });
  }
}

/** Directory calls by Node alone, which has no openat(2): through the directory's descriptor in /proc. */
export class ProcCalls implements DirectoryCalls {
  readonly #path: string;
  readonly #later = new StepQueue();

  constructor(path: string) {
    this.#path = path;
  }

  lstat(name: string): FileStats | undefined {
    return lstatSync(this.#at(name), { bigint: true, throwIfNoEntry: false });
  }

  read(name: string, bytes: Uint8Array): Reading {
    const fd = this.open(name);
    let blocks = 0n;
    try {
      const stats = fstatSync(fd, { bigint: true });
      blocks = stats.blocks;
      // It may be a file of another tenant with a second name here.
      const isOwn = stats.isFile() && stats.nlink === 1n;
      const isToBeRead = isOwn && stats.size <= bytes.length;
      return { stats, bytes: isToBeRead ? readSync(fd, bytes, 0, bytes.length, 0) : 0 };
    } finally {
      // A guest may have removed it meanwhile: then closing it frees it.
      if (blocks > FEW_BLOCKS) this.closeLater(fd);
      else closeRead(fd);
    }
  }

  create(name: string, content: string, { mode, uid, gid, mtimeNs }: FileAttributes): void {
    const fd = openSync(this.#at(name), CREATE, mode);
    try {
      for (let written = 0; written < content.length;) {
        // By position, as the addon does.
        written += writeSync(fd, content.slice(written), written, 'latin1');
      }
      if (mtimeNs !== undefined) futimesSync(fd, Number(mtimeNs) / 1e9, Number(mtimeNs) / 1e9);
      const is = fstatSync(fd, { bigint: true });
      if ((Number(is.mode) & 0o777) !== mode) fchmodSync(fd, mode);
      if (is.uid !== uid || is.gid !== gid) {
        // Only the superuser may give a file away, and only to a user of its namespace; a developer's
        // mediator runs as the same user as its clients.
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

  hold(name: string): number {
    return openSync(this.#at(name), HOLD);
  }

  rename(from: string, to: string): void {
    renameSync(this.#at(from), this.#at(to));
  }

  renameNew(from: string, to: string): void {
    throw systemError(-system.errno.ENOSYS, 'rename', this.#at(from), this.#at(to));
  }

  exchange(one: string, other: string): void {
    this.renameNew(one, other);
  }

  link(from: string, to: string): void {
    linkSync(this.#at(from), this.#at(to));
  }

  removeLater(name: string): number {
    return this.#later.add((done) => {
      unlink(this.#at(name), done);
    });
  }

  removeDirectoryLater(name: string): void {
    this.#later.add((done) => {
      rmdir(this.#at(name), done);
    });
  }

  closeLater(descriptor: number): number {
    return this.#later.add((done) => {
      close(descriptor, done);
    });
  }

  get outstanding(): number {
    return this.#later.outstanding;
  }

  #at(name: string): string {
    return `${this.#path}/${name}`;
  }
}
