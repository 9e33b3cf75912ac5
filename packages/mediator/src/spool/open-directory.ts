import { randomUUID } from 'node:crypto';
import { constants, fstatSync, lstatSync, readlinkSync, openSync, type BigIntStats } from 'node:fs';
import { constants as system } from 'node:os';
import { join } from 'node:path';
import { encodeVmDirectoryName, slotOfRequest } from '@vgpu/protocol';
import { callsOn } from './calls-on.js';
import type { DirectoryCalls, FileStats } from './directory-calls.js';
import { DirectoryCursor } from './directory-cursor.js';
import { TimedCalls } from './timed-calls.js';
import { closeRead, errnoOf, systemError, tolerate } from '@vgpu/linux';
import { explain } from '../explain.js';

/** Prefix of a file that is being removed; only a mediator that is killed leaves one behind. */
export const CLEARED_PREFIX = '.vgpu-cleared-';
/** Calls that may be outstanding for a directory before no more of its requests are read. */
const MAX_OUTSTANDING = 256;
/**
 * Size from which a directory counts as large. A thread reads it. While any process reads it, its guest for
 * example, the kernel locks it for milliseconds, in which the calls of this thread wait.
 */
const LARGE_BYTES = 2 ** 20;
/** A large directory rests after a call in it that took longer than this, in milliseconds. */
const SLOW_CALL_MS = 5;
/** A rest lasts this many times the call, for each resting directory: all of them take 1 % of the time. */
const REST = 100;
const MAX_REST_MS = 60_000;
/** Interval between checks of the thread's progress, in milliseconds; only while it is behind. */
const CHECK_MS = 2;
/** Attempts to give a file a name that a guest creates and removes meanwhile. */
const MAX_ATTEMPTS = 8;
const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

let ownNumber: string | undefined;

/** A part of a listing; `complete` if it is the last one. */
export interface Listing {
  readonly names: string[];
  readonly complete: boolean;
  /** A thread has to read first: the directory is locked until it has. */
  readonly isPending?: true;
}

/**
 * A VM's directory, held open: it stays the same one even if another one gets its name. Names are those of
 * files directly in it. For `vm-directory.ts` and its parts only.
 */
export class OpenDirectory {
  readonly vm: number;
  readonly #name: string;
  readonly #fd: number;
  readonly #path: string;
  /** System calls on the names in the directory. */
  readonly #calls: DirectoryCalls;
  readonly #onReady: () => void;
  #stats: BigIntStats;
  #bytes: number;
  #cursor: DirectoryCursor | undefined;
  readonly #onUnlocked: (() => void)[] = [];
  readonly #timedCalls: DirectoryCalls;
  #resting: NodeJS.Timeout | undefined;
  static readonly #allResting = new Set<OpenDirectory>();
  #isOpen = true;
  /** Undefined if the directory is ready; else it is ready once at most this many calls are outstanding. */
  #readyAt: number | undefined;
  #check: NodeJS.Timeout | undefined;
  /** Inode of the directory at a response's name that was not empty at the last attempt to remove it. */
  #leftDirectory: bigint | undefined;
  /** Whether the file system can exchange names, as far as is known. */
  #exchanges = true;

  /**
   * @param onReady Called when `isReady` has become true again.
   * @throws the error of open(2): `ENOENT`, `ENOTDIR` (also for a symbolic link), `EMFILE`, ...
   */
  constructor(root: string, vm: number, onReady: () => void = () => undefined) {
    this.vm = vm;
    this.#onReady = onReady;
    this.#name = join(root, encodeVmDirectoryName(vm));
    // The link is read once: following it takes a third of each lookup. It holds this process's number in
    // the namespace of /proc.
    ownNumber ??= readlinkSync('/proc/self');
    this.#fd = openSync(this.#name, OPEN_DIRECTORY);
    this.#path = `/proc/${ownNumber}/fd/${this.#fd}`;
    this.#calls = callsOn(this.#fd, this.#path);
    this.#timedCalls = new TimedCalls(this.#calls, (ms) => {
      if (ms > SLOW_CALL_MS) this.#rest(ms);
    });
    try {
      this.#stats = fstatSync(this.#fd, { bigint: true });
      this.#bytes = Number(this.#stats.size);
    } catch (error) {
      closeRead(this.#fd);
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Owner, mode and identity of the directory, as the kernel last reported them. */
  get stats(): BigIntStats {
    return this.#stats;
  }

  /** A path to the open directory, even if another one has its name by now. */
  get path(): string {
    this.#requireOpen();
    return this.#path;
  }

  /**
   * System calls on the names in the directory.
   *
   * @throws `EBUSY` while a thread has the kernel lock it.
   */
  get calls(): DirectoryCalls {
    this.#requireOpen();
    if (this.#isLockedByThread) throw systemError(-system.errno.EBUSY, 'openat', this.#path);
    return this.#isLarge ? this.#timedCalls : this.#calls;
  }

  /** Whether the thread that removes the directory's files keeps up, so that more requests may be read. */
  get isReady(): boolean {
    return this.#readyAt === undefined && !this.isLocked;
  }

  /**
   * Whether a thread reads the directory, or removes a directory in it: the kernel locks it meanwhile, and
   * every call that makes or removes a name in it waits. Also true while it rests after another process had
   * it locked.
   */
  get isLocked(): boolean {
    return this.#isLockedByThread || this.#resting !== undefined;
  }

  get #isLockedByThread(): boolean {
    return this.#readyAt === 0 || this.#cursor?.isReading === true;
  }

  get #isLarge(): boolean {
    return this.#bytes > LARGE_BYTES;
  }

  /** Calls `act` once the directory is unlocked or closed. */
  whenUnlocked(act: () => void): void {
    this.#onUnlocked.push(act);
  }

  /** Files that a thread has still to remove or to close. */
  get outstanding(): number {
    return this.#calls.outstanding;
  }

  lstat(name: string): FileStats | undefined {
    return this.calls.lstat(name);
  }

  /**
   * Removes a name, and has a thread free its file. The file is first renamed to a name that no guest can
   * have given to another file; a rename is quick for every kind and size of file.
   *
   * @returns false if there is no such name.
   */
  discard(name: string): boolean {
    const aside = CLEARED_PREFIX + randomUUID();
    const isThere = tolerate(['ENOENT'], () => {
      this.calls.rename(name, aside);
      return true;
    });
    if (isThere === true) this.removeOwn(aside);
    return isThere === true;
  }

  /** Has a thread remove a file that has one of the mediator's own names. */
  removeOwn(name: string): void {
    // Allowed also while a thread removes a directory: threads do the calls of a directory in order.
    this.#requireOpen();
    this.#checkOutstanding(this.#calls.removeLater(name));
  }

  /** Has a thread close a file whose name may be gone. */
  closeFile(descriptor: number): void {
    this.#requireOpen();
    this.#checkOutstanding(this.#calls.closeLater(descriptor));
  }

  /**
   * Has a thread remove a directory if it is empty. To find out whether it is, the kernel reads all of it and
   * locks the parent directory meanwhile: no other call is made in the parent until then.
   *
   * @param onLeft Called if the directory still exists.
   */
  removeDirectory(name: string, onLeft: () => void): void {
    this.calls.removeDirectoryLater(name);
    this.#waitUntil(0, () => {
      // If the check fails, the directory is found again later.
      const codes = ['EIO', 'ESTALE', 'ENOTDIR', 'EACCES'];
      if (tolerate(codes, () => this.lstat(name))?.isDirectory() === true) onLeft();
    });
  }

  /**
   * Renames one of the mediator's files over any file of the new name, and has a thread free the replaced
   * file. If the file system cannot exchange names, a guest that swaps files in a loop may cause another
   * file than the one held open to be freed in this thread.
   *
   * @throws `EBUSY` while a thread removes a directory of that name.
   * @throws `EISDIR` if that directory is not empty.
   */
  replace(from: string, to: string): void {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const stats = this.lstat(to);
      if (stats?.isDirectory() === true) this.#removeOrRefuse(to, stats);
      else if (this.#isPlaced(from, to, stats !== undefined)) return;
    }
    throw systemError(-system.errno.EBUSY, 'rename', `${this.#path}/${to}`);
  }

  #removeOrRefuse(name: string, { ino }: FileStats): void {
    if (this.#leftDirectory !== ino) {
      this.removeDirectory(name, () => {
        this.#leftDirectory = ino;
      });
      return;
    }
    this.#leftDirectory = undefined;
    throw systemError(-system.errno.EISDIR, 'rename', `${this.#path}/${name}`);
  }

  /** False if the name was created or removed meanwhile. */
  #isPlaced(from: string, to: string, isTaken: boolean): boolean {
    if (!this.#exchanges) {
      this.#renameOver(from, to);
      return true;
    }
    try {
      if (isTaken) this.calls.exchange(from, to);
      else this.calls.renameNew(from, to);
    } catch (error) {
      const code = errnoOf(error);
      if (code === (isTaken ? 'ENOENT' : 'EEXIST')) return false;
      if (code !== 'EINVAL' && code !== 'ENOSYS') throw error;
      this.#exchanges = false;
      return false;
    }
    if (isTaken) this.removeOwn(from);
    return true;
  }

  #renameOver(from: string, to: string): void {
    const held = tolerate(['ENOENT'], () => this.calls.hold(to));
    try {
      this.calls.rename(from, to);
    } finally {
      if (held !== undefined) this.closeFile(held);
    }
  }

  /** Whether these are the stats of this directory. */
  is({ dev, ino }: FileStats): boolean {
    return ino === this.#stats.ino && dev === this.#stats.dev;
  }

  /** See `VmDirectory.bytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** See `VmDirectory.refresh`. */
  refresh(): { readonly exists: boolean; readonly mtimeNs: bigint } {
    this.#requireOpen();
    const named = tolerate(['ENOENT', 'ENOTDIR'], () => lstatSync(this.#name, { bigint: true }));
    if (named !== undefined && !this.is(named)) return { exists: false, mtimeNs: named.mtimeNs };
    // If the root was moved away, the guest still reaches its directory.
    const stats = named ?? fstatSync(this.#fd, { bigint: true });
    this.#bytes = Number(stats.size);
    const { uid, gid, mode } = this.#stats;
    // Unchanged stats are kept: new objects for ten thousand directories are work for V8.
    if (stats.uid !== uid || stats.gid !== gid || stats.mode !== mode) this.#stats = stats;
    return { exists: stats.nlink > 0n, mtimeNs: stats.mtimeNs };
  }

  /** See `VmDirectory.list`. */
  list(limit: number, maxRequests: number, mayWait: boolean): Listing {
    const names: string[] = [];
    let requests = 0;
    this.#cursor ??= new DirectoryCursor(this.path, this.#isLarge && mayWait);
    while (names.length < limit && requests < maxRequests) {
      const name = this.#cursor.next();
      if (name === null) {
        this.#endListing();
        return { names, complete: true };
      }
      if (name === undefined) {
        if (names.length > 0) break;
        this.#cursor.readAhead(() => {
          this.#announceReady();
        });
        return { names, complete: false, isPending: true };
      }
      names.push(name);
      if (slotOfRequest(name) !== undefined) requests += 1;
    }
    return { names, complete: false };
  }

  /** Fields for a log line, with the directory's path in place of that in /proc. */
  explain(error: unknown): ReturnType<typeof explain> {
    const { error: message, ...rest } = explain(error);
    return { error: message.replaceAll(this.#path, this.#name), ...rest };
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearTimeout(this.#check);
    this.#endRest();
    this.#endListing();
    // Outstanding calls need the descriptor; and closing the descriptor of a removed directory frees it.
    if (this.#calls.outstanding === 0 && this.#hasName()) closeRead(this.#fd);
    else this.#calls.closeLater(this.#fd);
    this.#readyAt = undefined;
    this.#announceReady();
  }

  /** False also if fstat(2) fails. */
  #hasName(): boolean {
    try {
      return fstatSync(this.#fd).nlink > 0;
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      return false;
    }
  }

  #checkOutstanding(outstanding: number): void {
    if (this.isReady && outstanding >= MAX_OUTSTANDING) this.#waitUntil(MAX_OUTSTANDING / 2);
  }

  #waitUntil(outstanding: number, then?: () => void): void {
    this.#readyAt = outstanding;
    if (this.#calls.outstanding > outstanding) {
      clearTimeout(this.#check);
      this.#check = setTimeout(() => {
        this.#waitUntil(outstanding, then);
      }, CHECK_MS);
      return;
    }
    this.#readyAt = undefined;
    then?.();
    this.#announceReady();
  }

  #rest(tookMs: number): void {
    OpenDirectory.#allResting.add(this);
    const restMs = Math.min(REST * tookMs * OpenDirectory.#allResting.size, MAX_REST_MS);
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => {
      this.#endRest();
      this.#announceReady();
    }, restMs);
  }

  #endRest(): void {
    clearTimeout(this.#resting);
    this.#resting = undefined;
    OpenDirectory.#allResting.delete(this);
  }

  /** A lock or a wait has ended. */
  #announceReady(): void {
    if (!this.isLocked) for (const act of this.#onUnlocked.splice(0)) act();
    if (this.#isOpen && this.isReady) this.#onReady();
  }

  /** The number of a closed descriptor may already refer to another VM's directory. */
  #requireOpen(): void {
    if (!this.#isOpen) throw new Error(`the directory of VM ${this.vm} is closed`);
  }

  #endListing(): void {
    this.#cursor?.close();
    this.#cursor = undefined;
  }
}
