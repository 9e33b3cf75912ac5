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

/** A request that is being removed; left behind only by a mediator that was killed. */
export const CLEARED_PREFIX = '.vgpu-cleared-';
/** What a thread may have to do for a directory before nothing more of it is taken up. */
const MAX_OUTSTANDING = 256;
/**
 * What a directory that is large takes up at least. A thread reads it; and while anybody reads it, its guest
 * for example, the kernel locks it for milliseconds, in which the calls of this thread wait.
 */
const LARGE_BYTES = 2 ** 20;
/** After a call in a large directory that took longer than this, milliseconds, nothing is done in it for a while: */
const SLOW_CALL_MS = 5;
/** for this many times as long, for each directory that rests, so that all of them take 1 % of the time. */
const REST = 100;
const MAX_REST_MS = 60_000;
/** To look again how far the thread is, milliseconds; only while it is behind by as many. */
const LOOK_MS = 2;
/** How often a name may come or go while a file is put there. */
const MAX_ATTEMPTS = 8;
const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

let ownNumber: string | undefined;

/** A part of a listing; `complete` says that the listing has come to its end. */
export interface Listing {
  readonly names: string[];
  readonly complete: boolean;
  /** A thread has to read first: the directory is locked until then. */
  readonly isPending?: true;
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
  readonly #onReady: () => void;
  #stats: BigIntStats;
  #bytes: number;
  #cursor: DirectoryCursor | undefined;
  readonly #onUnlocked: (() => void)[] = [];
  readonly #timedCalls: DirectoryCalls;
  #resting: NodeJS.Timeout | undefined;
  static readonly #allResting = new Set<OpenDirectory>();
  #isOpen = true;
  /** Unless it is ready: it is again once no more than this is outstanding. */
  #readyAt: number | undefined;
  #look: NodeJS.Timeout | undefined;
  /** The directory in a response's place that was not empty at the last attempt to remove it. */
  #leftDirectory: bigint | undefined;
  /** Whether the file system knows how to exchange names, as far as that has shown. */
  #exchanges = true;

  /**
   * @param onReady Called when `isReady` has become true again.
   * @throws the error of open(2): `ENOENT`, `ENOTDIR` (also for a symbolic link), `EMFILE`, ...
   */
  constructor(root: string, vm: number, onReady: () => void = () => undefined) {
    this.vm = vm;
    this.#onReady = onReady;
    this.#name = join(root, encodeVmDirectoryName(vm));
    // Followed once: it takes a third of the way. It knows this process by the number that it has in
    // the namespace that /proc is of.
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

  /** As the kernel last told: owner and mode, and which directory it is. */
  get stats(): BigIntStats {
    return this.#stats;
  }

  /** The way to the directory, whatever has its name by now. */
  get path(): string {
    this.#requireOpen();
    return this.#path;
  }

  /**
   * System calls on the names in it.
   *
   * @throws `EBUSY` while a thread has the kernel lock it.
   */
  get calls(): DirectoryCalls {
    this.#requireOpen();
    if (this.#isLockedByThread) throw systemError(-system.errno.EBUSY, 'openat', this.#path);
    return this.#isLarge ? this.#timedCalls : this.#calls;
  }

  /** Whether the thread that removes what was in it keeps up, so that more may be taken up. */
  get isReady(): boolean {
    return this.#readyAt === undefined && !this.isLocked;
  }

  /**
   * Whether a thread reads it, or removes a directory in it: the kernel locks it meanwhile, and whoever
   * makes or removes a name in it waits. Also while it rests because somebody else has had it locked.
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

  /** Has something done once it is not locked any more, or closed. */
  whenUnlocked(act: () => void): void {
    this.#onUnlocked.push(act);
  }

  /** What a thread has still to remove or to close. */
  get outstanding(): number {
    return this.#calls.outstanding;
  }

  lstat(name: string): FileStats | undefined {
    return this.calls.lstat(name);
  }

  /**
   * Takes a name away from what it stands for, and has a thread free that: it gets another name first,
   * which is quick, whatever it is, and which no guest can have given to anything else.
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

  /** Has a thread remove a name that only the mediator gives. */
  removeOwn(name: string): void {
    // Also while a thread removes a directory: it takes what it is given one after the other.
    this.#requireOpen();
    this.#noteOutstanding(this.#calls.removeLater(name));
  }

  /** Has a thread close a file that may have lost its name. */
  closeFile(descriptor: number): void {
    this.#requireOpen();
    this.#noteOutstanding(this.#calls.closeLater(descriptor));
  }

  /**
   * Has a thread remove a directory if it is empty. To find that out, the kernel reads all of it and
   * locks the one around it meanwhile: nothing else is done here until then.
   *
   * @param onLeft Called if it is still there.
   */
  removeDirectory(name: string, onLeft: () => void): void {
    this.calls.removeDirectoryLater(name);
    this.#waitUntil(0, () => {
      // Where that can't be said, it is found again.
      const codes = ['EIO', 'ESTALE', 'ENOTDIR', 'EACCES'];
      if (tolerate(codes, () => this.lstat(name))?.isDirectory() === true) onLeft();
    });
  }

  /**
   * Gives a file of the mediator another name, over whatever has that, and has a thread free what had
   * it. Where the file system knows no exchange of names, a guest that swaps files in a loop may get
   * another one freed here than is held open.
   *
   * @throws `EBUSY` while a thread removes a directory that has the name.
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

  /** False if the name has come or gone meanwhile. */
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
    // Its guest still reaches it where the root was moved away.
    const stats = named ?? fstatSync(this.#fd, { bigint: true });
    this.#bytes = Number(stats.size);
    const { uid, gid, mode } = this.#stats;
    // Kept as it is while it is the same: new ones for ten thousand directories are work for V8.
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
          this.#noteReady();
        });
        return { names, complete: false, isPending: true };
      }
      names.push(name);
      if (slotOfRequest(name) !== undefined) requests += 1;
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
    clearTimeout(this.#look);
    this.#endRest();
    this.#endListing();
    // What is outstanding needs it, and one that was removed is freed now.
    if (this.#calls.outstanding === 0 && this.#hasName()) closeRead(this.#fd);
    else this.#calls.closeLater(this.#fd);
    this.#readyAt = undefined;
    this.#noteReady();
  }

  /** False also where the file system does not tell. */
  #hasName(): boolean {
    try {
      return fstatSync(this.#fd).nlink > 0;
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      return false;
    }
  }

  #noteOutstanding(outstanding: number): void {
    if (this.isReady && outstanding >= MAX_OUTSTANDING) this.#waitUntil(MAX_OUTSTANDING / 2);
  }

  #waitUntil(outstanding: number, then?: () => void): void {
    this.#readyAt = outstanding;
    if (this.#calls.outstanding > outstanding) {
      clearTimeout(this.#look);
      this.#look = setTimeout(() => {
        this.#waitUntil(outstanding, then);
      }, LOOK_MS);
      return;
    }
    this.#readyAt = undefined;
    then?.();
    this.#noteReady();
  }

  #rest(tookMs: number): void {
    OpenDirectory.#allResting.add(this);
    const restMs = Math.min(REST * tookMs * OpenDirectory.#allResting.size, MAX_REST_MS);
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => {
      this.#endRest();
      this.#noteReady();
    }, restMs);
  }

  #endRest(): void {
    clearTimeout(this.#resting);
    this.#resting = undefined;
    OpenDirectory.#allResting.delete(this);
  }

  /** Something that it was locked for, or that it was to wait for, has come to its end. */
  #noteReady(): void {
    if (!this.isLocked) for (const act of this.#onUnlocked.splice(0)) act();
    if (this.#isOpen && this.isReady) this.#onReady();
  }

  /** The number of a closed descriptor may already stand for another VM's directory. */
  #requireOpen(): void {
    if (!this.#isOpen) throw new Error(`the directory of VM ${this.vm} is closed`);
  }

  #endListing(): void {
    this.#cursor?.close();
    this.#cursor = undefined;
  }
}
