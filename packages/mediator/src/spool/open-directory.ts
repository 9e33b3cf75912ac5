import {
  close,
  constants,
  fstatSync,
  lstatSync,
  opendirSync,
  readlinkSync,
  openSync,
  type BigIntStats,
  type Dir,
} from 'node:fs';
import { join } from 'node:path';
import { encodeVmDirectoryName, slotOfRequest } from '@vgpu/protocol';
import { callsOn, type DirectoryCalls, type FileStats } from './directory-calls.js';
import { closeRead, errnoOf, explain, tolerate } from './errno.js';

/** Blocks of 512 bytes of a file that takes long to free. */
const HUGE_BLOCKS = 2048n;
const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

let ownNumber: string | undefined;

/** A part of a listing; `complete` says that the listing has come to its end. */
export interface Listing {
  readonly names: string[];
  readonly complete: boolean;
}

/**
 * A VM's directory, held open: it stays the same one even if its name is given to another. Names
 * are those of files directly in it. For `vm-directory.ts` and its parts only.
 */
export class OpenDirectory {
  readonly vm: number;
  readonly #name: string;
  readonly #fd: number;
  readonly #path: string;
  /** What can be done with the names in it. */
  readonly #calls: DirectoryCalls;
  #stats: BigIntStats;
  #cursor: Dir | undefined;
  #isOpen = true;

  /** @throws the error of open(2): `ENOENT`, `ENOTDIR` (also for a symbolic link), `EMFILE`, ... */
  constructor(root: string, vm: number) {
    this.vm = vm;
    this.#name = join(root, encodeVmDirectoryName(vm));
    // Followed once: it takes a third of the way. It knows this process by the number that it has in
    // the namespace that /proc is of.
    ownNumber ??= readlinkSync('/proc/self');
    this.#fd = openSync(this.#name, OPEN_DIRECTORY);
    this.#path = `/proc/${ownNumber}/fd/${this.#fd}`;
    this.#calls = callsOn(this.#fd, this.#path);
    try {
      this.#stats = fstatSync(this.#fd, { bigint: true });
    } catch (error) {
      closeRead(this.#fd);
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** As the kernel last told: owner and mode, and which directory it is. */
  get stats(): BigIntStats {
    return this.#stats;
  }

  /** The way to the directory, whatever has its name by now. */
  get path(): string {
    this.#requireOpen();
    return this.#path;
  }

  /** System calls on the names in it. */
  get calls(): DirectoryCalls {
    this.#requireOpen();
    return this.#calls;
  }

  lstat(name: string): FileStats | undefined {
    return this.calls.lstat(name);
  }

  /** Like {@link remove}, of what may be huge. */
  discard(name: string): boolean {
    return this.freeing(name, () => this.remove(name));
  }

  /**
   * Runs what takes a name away from its file. The kernel frees a file when its last name and its
   * last descriptor are gone, and for one of many gigabytes that takes seconds, in which nobody would
   * be served. So such a file is held open meanwhile, and closed on a thread of Node's pool.
   */
  freeing<T>(name: string, operation: () => T): T {
    const stats = this.lstat(name);
    const isHuge = stats?.isFile() === true && stats.blocks >= HUGE_BLOCKS;
    const fd = isHuge
      ? tolerate(['ENOENT', 'ELOOP', 'ENXIO', 'EACCES'], () => this.calls.open(name))
      : undefined;
    try {
      return operation();
    } finally {
      if (fd !== undefined) close(fd, ignore);
    }
  }

  /** Removes a name, whatever it stands for, but no directory with content; false if it is absent. */
  remove(name: string): boolean {
    try {
      this.calls.unlink(name);
      return true;
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'ENOENT') return false;
      if (code !== 'EISDIR') throw error;
    }
    tolerate(['ENOTEMPTY', 'ENOENT', 'ENOTDIR'], () => {
      this.calls.rmdir(name);
    });
    return true;
  }

  /** Whether these are the stats of this directory. */
  is({ dev, ino }: FileStats): boolean {
    return ino === this.#stats.ino && dev === this.#stats.dev;
  }

  /** See `VmDirectory.refresh`. */
  refresh(): { readonly exists: boolean; readonly mtimeNs: bigint } {
    this.#requireOpen();
    const named = tolerate(['ENOENT', 'ENOTDIR'], () => lstatSync(this.#name, { bigint: true }));
    if (named !== undefined && !this.is(named)) return { exists: false, mtimeNs: named.mtimeNs };
    // Its guest still reaches it where the root was moved away.
    const stats = named ?? fstatSync(this.#fd, { bigint: true });
    const { uid, gid, mode } = this.#stats;
    // Kept as it is while it is the same: new ones for ten thousand directories are work for V8.
    if (stats.uid !== uid || stats.gid !== gid || stats.mode !== mode) this.#stats = stats;
    return { exists: stats.nlink > 0n, mtimeNs: stats.mtimeNs };
  }

  /** See `VmDirectory.list`. */
  list(limit: number, maxRequests: number): Listing {
    const names: string[] = [];
    let requests = 0;
    this.#cursor ??= opendirSync(this.path, { bufferSize: 256 });
    while (names.length < limit && requests < maxRequests) {
      const entry = this.#cursor.readSync();
      if (entry === null) {
        this.#endListing();
        return { names, complete: true };
      }
      names.push(entry.name);
      if (slotOfRequest(entry.name) !== undefined) requests += 1;
    }
    return { names, complete: false };
  }

  /** Fields for a log line, with paths that people can look up. */
  explain(error: unknown): ReturnType<typeof explain> {
    const { error: message, ...rest } = explain(error);
    return { error: message.replaceAll(this.#path, this.#name), ...rest };
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#endListing();
    closeRead(this.#fd);
  }

  /** The number of a closed descriptor may already stand for another VM's directory. */
  #requireOpen(): void {
    if (!this.#isOpen) throw new Error(`the directory of VM ${this.vm} is closed`);
  }

  #endListing(): void {
    const cursor = this.#cursor;
    this.#cursor = undefined;
    try {
      cursor?.closeSync();
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
    }
  }
}

/** The file was not written to, so that nothing is lost where closing it fails. */
const ignore = () => undefined;
