/**
 * The only module that touches what is inside a VM directory.
 *
 * Everything in there was written by somebody else's root user, who may also rename, replace and
 * remove anything at any moment. What that could be used for, and what stands against it:
 *
 * - A symbolic link, as the directory, a request or an answer, to a file of the host or of another
 *   VM: everything is opened with O_NOFOLLOW below a descriptor of the directory
 *   (`/proc/self/fd/<fd>/<name>`, since Node has no openat(2)); answers are new files (O_EXCL)
 *   renamed over whatever stands there, and rename(2) replaces a link, never its target.
 * - A FIFO, whose opening would block the process until somebody opens the other end; a socket or
 *   a device, whose opening has effects: lstat(2) first, and O_NONBLOCK should one be swapped in.
 * - A hard link to a file of another tenant on the same file system: a request must have one link.
 * - A swap between check and use: what is trusted (type, size, links, identity) comes from fstat(2)
 *   on the open descriptor that is then read, once, and never more than the limit.
 * - A huge or a sparse file: its size is refused before it is read, and the read is bounded.
 * - A file that grows while it is read: the identity was taken before, so the next look differs.
 * - A directory that stands where the answer belongs: it is removed if empty, else the request is.
 * - A million entries: listings are bounded and go on where they ended.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  linkSync,
  lstatSync,
  lutimesSync,
  opendirSync,
  openSync,
  readSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeSync,
  type BigIntStats,
  type Dir,
} from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import {
  encodeVmDirectoryName,
  MAX_LINE_BYTES,
  requestName,
  responseName,
  slotOfRequest,
  slotOfResponse,
  type Slot,
} from '@vgpu/protocol';
import { errnoOf, explain, tolerate } from './errno.js';
import { identityOf, isUntouched, type FileIdentity } from './file-identity.js';

/** What stands where a slot's request belongs. */
export type Sight =
  | { readonly kind: 'absent' }
  | { readonly kind: 'empty' }
  /** One bounded read of a regular file, a character for each byte. */
  | { readonly kind: 'text'; readonly text: string; readonly file: FileIdentity }
  | { readonly kind: 'too-large'; readonly bytes: bigint; readonly file: FileIdentity }
  /** Anything but a regular file with one link that may be read. */
  | { readonly kind: 'irregular'; readonly what: string; readonly file: FileIdentity };

/** What became of a request: still as it was read, gone, or another one. */
export type Fate = 'untouched' | 'withdrawn' | 'changed';

/** An answer's way: in place and its request cleared, or not, because the request was `Fate`. */
export type Delivery = 'delivered' | Exclude<Fate, 'untouched'>;

/** A non-empty directory stands where the answer belongs; the request has been removed. */
export class UndeliverableError extends Error {
  override readonly name = 'UndeliverableError';
  readonly code = 'UNDELIVERABLE';
}

const ANSWER_PREFIX = '.vgpu-answer-';
const TAKEN_PREFIX = '.vgpu-taken-';
/** A time that no clock gives: a second after the epoch. */
const MARK_SECONDS = 1;
const TEMPORARY_REQUEST = /^\.request(?:-[A-Za-z0-9_-]{1,64})?\.[A-Za-z0-9_-]{1,64}$/;

const OPEN_REQUEST = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const CREATE_ANSWER =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

// One byte more than allowed, to notice a file that grew past the limit after its fstat. Reads are
// synchronous and the text is copied out at once, so that one buffer serves all directories.
const readBuffer = Buffer.allocUnsafe(MAX_LINE_BYTES + 1);

/** One VM's directory, held open: it stays the same one even if its name is given to another. */
export class VmDirectory {
  readonly vm: number;
  readonly #name: string;
  readonly #fd: number;
  readonly #path: string;
  #stats: BigIntStats;
  #cursor: Dir | undefined;
  #isOpen = true;

  /**
   * Opens `<root>/vm<ID>`.
   *
   * @throws the error of open(2): `ENOENT`, `ENOTDIR` (also for a symbolic link), `EMFILE`, ...
   */
  constructor(root: string, vm: number) {
    this.vm = vm;
    this.#name = join(root, encodeVmDirectoryName(vm));
    this.#fd = openSync(this.#name, OPEN_DIRECTORY);
    this.#path = `/proc/self/fd/${this.#fd}`;
    this.#stats = fstatSync(this.#fd, { bigint: true });
  }

  /** For inotify_add_watch(2), which follows it to the directory that is open here. */
  get watchPath(): string {
    this.#requireOpen();
    return this.#path;
  }

  /** Fields for a log line, with paths that people can look up. */
  explain(error: unknown): ReturnType<typeof explain> {
    const { error: message, ...rest } = explain(error);
    return { error: message.replaceAll(this.#path, this.#name), ...rest };
  }

  /** Whether `stats`, of the name in the root, are those of this directory. */
  is(stats: BigIntStats): boolean {
    return stats.ino === this.#stats.ino && stats.dev === this.#stats.dev;
  }

  /** Asks the kernel anew. `exists` is false once the directory has been removed. */
  refresh(): { readonly exists: boolean; readonly mtimeNs: bigint } {
    this.#requireOpen();
    this.#stats = fstatSync(this.#fd, { bigint: true });
    return { exists: this.#stats.nlink > 0n, mtimeNs: this.#stats.mtimeNs };
  }

  /** Afterwards every request in it counts as withdrawn. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#endListing();
    closeSync(this.#fd);
  }

  /**
   * The next names, until there are `limit` or as many requests among them as `maxRequests`; a
   * listing that was cut goes on at the next call. `complete` says that it has come to its end.
   */
  list(
    limit: number,
    maxRequests = limit,
  ): { readonly names: string[]; readonly complete: boolean } {
    const names: string[] = [];
    let requests = 0;
    this.#cursor ??= opendirSync(this.watchPath, { bufferSize: 256 });
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

  /** When the file with this name last changed, by the host's clock; undefined if there is none. */
  ctimeNs(name: string): bigint | undefined {
    return this.#lstat(name)?.ctimeNs;
  }

  /** Looks at a slot's request; reads it if it is a regular file of a request's size. */
  look(slot: Slot): Sight {
    const name = requestName(slot);
    const stats = this.#lstat(name);
    if (stats === undefined) return { kind: 'absent' };
    if (!stats.isFile()) return irregular(stats);
    if (stats.size === 0n) return { kind: 'empty' };
    let fd: number;
    try {
      fd = openSync(this.#at(name), OPEN_REQUEST);
    } catch (error) {
      switch (errnoOf(error)) {
        case 'ENOENT':
        case 'ELOOP':
        case 'ENXIO':
          // Gone, or swapped for a link or a socket since the lstat: the next look sees it.
          return { kind: 'absent' };
        case 'EACCES':
          return {
            kind: 'irregular',
            what: 'a file that the mediator may not read',
            file: identityOf(stats),
          };
        case undefined:
        default:
          throw error;
      }
    }
    try {
      return read(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** Whether a slot's request is still the one that was read. */
  fateOf(slot: Slot, file: FileIdentity): Fate {
    const stats = this.#isOpen ? this.#lstat(requestName(slot)) : undefined;
    if (stats === undefined) return 'withdrawn';
    return isUntouched(file, identityOf(stats)) ? 'untouched' : 'changed';
  }

  /**
   * Marks the plain request that is about to be computed, so that any later write into it shows:
   * kernels before 6.13, and some file systems still, stamp files with a tick of up to 10 ms, and
   * the next request may follow the answer faster than that, in the same file and as long.
   *
   * @param text The request as it was read.
   * @returns what it looks like now; undefined if it is not that request any more.
   */
  markPlain(text: string): FileIdentity | undefined {
    // Only the owner and root may; without the mark all is as good as the clock of the files.
    tolerate(['EPERM', 'EACCES', 'ENOENT'], () => {
      lutimesSync(this.#at(requestName({ kind: 'plain' })), MARK_SECONDS, MARK_SECONDS);
    });
    // After the mark: what was written before it can be told by its content only.
    const sight = this.look({ kind: 'plain' });
    return sight.kind === 'text' && sight.text === text ? sight.file : undefined;
  }

  /**
   * Puts an answer in place, then clears the request: a crash in between costs a repeated
   * computation, never an answer. Does nothing if the request is not the one that was read.
   *
   * @throws UndeliverableError if a directory is in the way; the request is then removed.
   * @throws the error of the system call that failed; nothing is left behind then, and the request
   *   is still there.
   */
  answer(slot: Slot, file: FileIdentity, line: string): Delivery {
    const fate = this.fateOf(slot, file);
    if (fate !== 'untouched') return fate;
    this.#putInPlace(slot, line);
    return slot.kind === 'plain' ? this.#clearPlain(file) : this.#clearNamed(slot);
  }

  /**
   * Answers something that is not a regular file and removes it.
   *
   * @returns false if it could not be removed: a directory that is not empty.
   */
  answerIrregular(slot: Slot, line: string): boolean {
    this.#putInPlace(slot, line);
    return this.#removeRequest(slot);
  }

  /** Whether there is an answer that came after the request: one that a crash kept from clearing. */
  hasAnswerTo(slot: Slot, file: FileIdentity): boolean {
    const stats = this.#lstat(responseName(slot));
    return stats !== undefined && stats.isFile() && stats.size > 0n && stats.ctimeNs > file.ctimeNs;
  }

  /** Clears a request that was answered before a crash. */
  clear(slot: Slot, file: FileIdentity): void {
    if (slot.kind === 'plain') this.#clearPlain(file);
    else this.#remove(requestName(slot));
  }

  /**
   * Empties the plain slot's answer if it holds one: a leftover that could be taken for the answer
   * to the request that is now taken up. A new empty file, because truncating would reach through
   * a hard link, and because NFS clients cache the absence of a name.
   */
  emptyPlainResponse(): void {
    const name = responseName({ kind: 'plain' });
    const stats = this.#lstat(name);
    if (stats === undefined || (stats.isFile() && stats.size === 0n)) return;
    this.#putInPlace({ kind: 'plain' }, '');
  }

  /**
   * Removes what a mediator that was killed has left here. A plain request that it had set aside
   * in order to clear it goes back if it is another one than was answered.
   *
   * @returns whether one went back.
   */
  recover(names: Iterable<string>): boolean {
    let wentBack = false;
    for (const name of names) {
      if (name.startsWith(ANSWER_PREFIX)) this.#remove(name);
      if (name.startsWith(TAKEN_PREFIX)) wentBack = this.#settleTaken(name) || wentBack;
    }
    return wentBack;
  }

  /** Removes answers that nobody fetched and what dead clients left, if older than `beforeNs`. */
  removeStale(names: Iterable<string>, beforeNs: bigint): number {
    let removed = 0;
    for (const name of names) {
      const slot = slotOfResponse(name);
      if (slot === undefined && !TEMPORARY_REQUEST.test(name)) continue;
      // An empty answer file whose request is still waiting has been created for that request.
      if (slot !== undefined && this.#lstat(requestName(slot)) !== undefined) continue;
      const stats = this.#lstat(name);
      if (stats === undefined || stats.ctimeNs >= beforeNs || stats.isDirectory()) continue;
      // Old clients expect the empty answer file of the plain slot to stay.
      if (slot?.kind === 'plain' && stats.size === 0n) continue;
      this.#remove(name);
      removed += 1;
    }
    return removed;
  }

  #at(name: string): string {
    return `${this.watchPath}/${name}`;
  }

  /** The number of a closed descriptor may already stand for another VM's directory. */
  #requireOpen(): void {
    if (!this.#isOpen) throw new Error(`the directory of VM ${this.vm} is closed`);
  }

  #lstat(name: string): BigIntStats | undefined {
    return lstatSync(this.#at(name), { bigint: true, throwIfNoEntry: false });
  }

  #endListing(): void {
    this.#cursor?.closeSync();
    this.#cursor = undefined;
  }

  #putInPlace(slot: Slot, line: string): void {
    const temporary = ANSWER_PREFIX + randomUUID();
    try {
      this.#write(temporary, line);
      this.#renameOver(temporary, responseName(slot));
    } catch (error) {
      // What failed first counts.
      try {
        this.#remove(temporary);
      } catch {
        // The next mediator removes it.
      }
      if (error instanceof UndeliverableError) this.#removeRequest(slot);
      throw error;
    }
  }

  #write(name: string, text: string): void {
    const { uid, gid, mode } = this.#stats;
    // As readable and as writable as the directory: an old client truncates the answer it has read.
    const permissions = Number(mode) & 0o666;
    const fd = openSync(this.#at(name), CREATE_ANSWER, permissions);
    try {
      const bytes = Buffer.from(text, 'latin1');
      for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
      const { uid: ownUid, gid: ownGid, mode: ownMode } = fstatSync(fd);
      if ((ownMode & 0o777) !== permissions) fchmodSync(fd, permissions);
      if (BigInt(ownUid) !== uid || BigInt(ownGid) !== gid) {
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

  #renameOver(from: string, to: string): void {
    try {
      renameSync(this.#at(from), this.#at(to));
    } catch (error) {
      if (errnoOf(error) !== 'EISDIR') throw error;
      try {
        rmdirSync(this.#at(to));
      } catch (cause) {
        if (errnoOf(cause) !== 'ENOTEMPTY') throw cause;
        throw new UndeliverableError(`${to} is a directory that is not empty`, { cause });
      }
      renameSync(this.#at(from), this.#at(to));
    }
  }

  /** An id is used once, so whatever has its name is the request that was answered. */
  #clearNamed(slot: Slot): Delivery {
    if (this.#remove(requestName(slot))) return 'delivered';
    // Withdrawn in the last moment: nobody will fetch the answer.
    this.#remove(responseName(slot));
    return 'withdrawn';
  }

  /**
   * In the plain slot the next request may be written the moment the answer is there, and it must
   * not be removed in the place of the answered one. So the file is set aside first, under a name
   * that says which one it should be, then looked at, and put back if it is another.
   */
  #clearPlain(file: FileIdentity): Delivery {
    const aside = `${TAKEN_PREFIX}${contentOf(file)}-${randomUUID()}`;
    const taken = tolerate(['ENOENT'], () => {
      renameSync(this.#at(requestName({ kind: 'plain' })), this.#at(aside));
      return true;
    });
    if (taken) this.#settleTaken(aside);
    return 'delivered';
  }

  /** Removes a request that was set aside, or puts it back if it is not the one that was meant. */
  #settleTaken(aside: string): boolean {
    const stats = this.#lstat(aside);
    if (stats === undefined) return false;
    const isMeant = aside.startsWith(`${TAKEN_PREFIX}${contentOf(identityOf(stats))}-`);
    const goesBack =
      stats.isFile() && !isMeant && this.#putBack(aside, requestName({ kind: 'plain' }));
    this.#remove(aside);
    return goesBack;
  }

  /** link(2), unlike rename(2), does not replace a request that is newer still. */
  #putBack(aside: string, name: string): boolean {
    try {
      linkSync(this.#at(aside), this.#at(name));
      return true;
    } catch (error) {
      const code = errnoOf(error);
      if (code === undefined) throw error;
      // Some file systems know no second link.
      if (code === 'EEXIST' || this.#lstat(name) !== undefined) return false;
      renameSync(this.#at(aside), this.#at(name));
      return true;
    }
  }

  #removeRequest(slot: Slot): boolean {
    const name = requestName(slot);
    this.#remove(name);
    return this.#lstat(name) === undefined;
  }

  /** Removes a name, whatever it stands for, but no directory with content. */
  #remove(name: string): boolean {
    try {
      unlinkSync(this.#at(name));
      return true;
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'ENOENT') return false;
      if (code !== 'EISDIR') throw error;
    }
    tolerate(['ENOTEMPTY', 'ENOENT', 'ENOTDIR'], () => {
      rmdirSync(this.#at(name));
    });
    return true;
  }
}

/** Identity without the ctime, which renaming changes. */
function contentOf({ ino, size, mtimeNs }: FileIdentity): string {
  return `${ino}-${size}-${mtimeNs}`;
}

function read(fd: number): Sight {
  const stats = fstatSync(fd, { bigint: true });
  if (stats.nlink === 0n) return { kind: 'absent' };
  if (!stats.isFile() || stats.nlink !== 1n) return irregular(stats);
  const file = identityOf(stats);
  if (stats.size > MAX_LINE_BYTES) return { kind: 'too-large', bytes: stats.size, file };
  const bytes = readSync(fd, readBuffer, 0, readBuffer.length, 0);
  if (bytes > MAX_LINE_BYTES) return { kind: 'too-large', bytes: BigInt(bytes), file };
  return bytes === 0
    ? { kind: 'empty' }
    : { kind: 'text', text: readBuffer.toString('latin1', 0, bytes), file };
}

function irregular(stats: BigIntStats): Sight {
  const what = stats.isFile()
    ? 'a hard link'
    : stats.isDirectory()
      ? 'a directory'
      : stats.isSymbolicLink()
        ? 'a symbolic link'
        : stats.isFIFO()
          ? 'a FIFO'
          : stats.isSocket()
            ? 'a socket'
            : 'a device';
  return { kind: 'irregular', what, file: identityOf(stats) };
}
