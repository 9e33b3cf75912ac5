/**
 * The only module that touches the files in a VM directory, with its parts `open-directory`,
 * `directory-calls` (`native-calls`, `proc-calls`), `request-reader`, `response-writer` and
 * `plain-request`, which no other module imports.
 *
 * Everything in a VM directory was written by another system's superuser, who may also rename, replace and
 * remove anything at any moment. The possible attacks, and the defence against each:
 *
 * - A symbolic link, as the directory, a request or a response, to a file of the host or of another
 *   VM: everything is opened with O_NOFOLLOW below a descriptor of the directory
 *   (openat(2) and its like; without the addon `/proc/<pid>/fd/<fd>/<name>`); responses are new files (O_EXCL)
 *   renamed over any file of that name, and rename(2) replaces a link, never its target.
 * - A FIFO, whose opening would block the process until another process opens the other end; a socket or
 *   a device, whose opening has effects: lstat(2) first, and O_NONBLOCK should one be swapped in.
 * - A hard link to a file of another tenant on the same file system: a request must have one link.
 * - A swap between check and use: the trusted attributes (type, size, links, identity) come from fstat(2)
 *   on the open descriptor that is then read, once, and never more than the limit.
 * - A huge or a sparse file: its size is refused before it is read, and the read is bounded.
 * - A file that takes long to free, of many gigabytes or of many extents, which the mediator is made to
 *   remove, to replace or to close: a thread does that. A file to be removed first gets a name that
 *   no other file can have, and a file to be replaced exchanges its name with the response: neither
 *   step frees anything, whatever is swapped in meanwhile, and neither needs a permission on the file.
 * - A file that grows while it is read: its version was taken before, so the next check differs.
 * - A directory at the response's name: it is removed if empty, else the request is.
 * - A million entries, or the blocks of a million removed ones: listings are bounded and continue where they
 *   ended, and a thread reads large directories; no other call is made in the directory meanwhile.
 * - Names like the mediator's own (`.vgpu-answer-*`, `.vgpu-cleared-*`, `.vgpu-taken-*`): the mediator's hold a random
 *   number; the guest's are removed after a restart, or become a request of that guest.
 * - A directory that is renamed, or replaced, while its files are used: all names are looked up from
 *   the descriptor, which stays with the directory that was opened.
 *
 * The flags of open(2), and the reason for each:
 *
 * | flag               | of          | without it                                                   |
 * | ------------------ | ----------- | ------------------------------------------------------------ |
 * | O_DIRECTORY        | directories | a FIFO in the directory's place would block                  |
 * | O_NOFOLLOW         | all         | a link would lead to a file of the host or of another VM     |
 * | O_NONBLOCK         | requests    | a FIFO, or a lease that a guest holds, would block           |
 * | O_CREAT and O_EXCL | responses   | a response could be written into a file that the guest holds |
 */
import { PLAIN_SLOT, requestName, responseName, slotOfResponse, type Slot } from '@vgpu/protocol';
import { UndeliverableError } from '../scheduling/request-source.js';
import { RESPONSE_PREFIX, putResponse } from './response-writer.js';
import type { FileStats } from './directory-calls.js';
import { versionOf, isUntouched, type FileVersion } from './file-version.js';
import { CLEARED_PREFIX, OpenDirectory, type Listing } from './open-directory.js';
import { isResponseTo, isMarked, markPlain, SetAside, TAKEN_PREFIX } from './plain-request.js';
import { readRequest, type SlotContent } from './request-reader.js';

export type { Listing, SlotContent };

/** The content of a slot that has to be served or rejected. */
export type ArrivedContent = Extract<SlotContent, { readonly version: FileVersion }>;

/** Delay before the first check of a held plain request, in milliseconds; it doubles for each further check. */
const HELD_CHECK_MS = 250;

/** The state of a request: still as it was read, gone, or another one. */
export type RequestState = 'untouched' | 'withdrawn' | 'changed';

/** `delivered`: the response is in place and its request cleared; else the state that prevented that. */
export type Delivery = 'delivered' | Exclude<RequestState, 'untouched'>;

const TEMPORARY_REQUEST = /^\.request(?:-[A-Za-z0-9_-]{1,64})?\.[A-Za-z0-9_-]{1,64}$/;

/** Events of a {@link VmDirectory}. */
export interface DirectoryEvents {
  /**
   * A plain request that has its response is held: `read` has to be called for the plain slot. Called now
   * and then until `isHolding` is false, since inotify may not report that its client has written into it.
   */
  readonly onHeld?: () => void;
  /** `isReady` has become true again. */
  readonly onReady?: () => void;
}

/** One VM's directory: the requests in it, and their responses. */
export class VmDirectory {
  readonly #directory: OpenDirectory;
  readonly #aside: SetAside;
  readonly #onHeld: () => void;
  #heldCheck: NodeJS.Timeout | undefined;
  /** Requests whose response is in place, but that could not be cleared because of an error. */
  readonly #uncleared = new WeakSet<FileVersion>();

  /**
   * Opens `<root>/vm<ID>`, and holds it open: it stays the same one even if another one gets its name.
   *
   * @throws the error of open(2): `ENOENT`, `ENOTDIR` (also for a symbolic link), `EMFILE`, ...
   */
  constructor(root: string, vm: number, { onHeld = ignore, onReady }: DirectoryEvents = {}) {
    this.#directory = new OpenDirectory(root, vm, onReady);
    this.#onHeld = onHeld;
    this.#aside = new SetAside(this.#directory, () => {
      this.#checkHeld(HELD_CHECK_MS);
    });
  }

  get vm(): number {
    return this.#directory.vm;
  }

  /** Whether the thread that removes the directory's files keeps up, so that more requests may be read. */
  get isReady(): boolean {
    return this.#directory.isReady;
  }

  /** Whether a thread has the kernel lock it: a call that makes or removes a name in it would wait. */
  get isLocked(): boolean {
    return this.#directory.isLocked;
  }

  /** Calls `act` once the directory is unlocked or closed. */
  whenUnlocked(act: () => void): void {
    this.#directory.whenUnlocked(act);
  }

  /** Files that a thread has still to remove or to close. */
  get outstanding(): number {
    return this.#directory.outstanding;
  }

  /** A path for inotify_add_watch(2) that leads to the directory that is open here. */
  get watchPath(): string {
    return this.#directory.path;
  }

  /** Fields for a log line, with the directory's path in place of that in /proc. */
  explain(error: unknown): ReturnType<OpenDirectory['explain']> {
    return this.#directory.explain(error);
  }

  /** Whether `stats`, those of a name in the root, are those of this directory. */
  is(stats: FileStats): boolean {
    return this.#directory.is(stats);
  }

  /**
   * Reads the directory's attributes again. `exists` is false once the directory has been removed, or its
   * name refers to another one: one that replaced it, or a file system that was mounted over it.
   */
  refresh(): { readonly exists: boolean; readonly mtimeNs: bigint } {
    return this.#directory.refresh();
  }

  /** Size of the directory itself at the last {@link refresh}: some file systems never shrink one. */
  get bytes(): number {
    return this.#directory.bytes;
  }

  /** Afterwards every request in it counts as withdrawn. */
  close(): void {
    clearTimeout(this.#heldCheck);
    this.#directory.close();
  }

  /**
   * The next names: at most `limit`, and at most `maxRequests` requests among them. The next call continues
   * an incomplete listing.
   *
   * @param mayWait Whether a thread may read a large directory: the directory is locked until it has, and no
   *   name is returned before. Only read by the call that begins a listing.
   */
  list(limit: number, maxRequests = limit, mayWait = false): Listing {
    return this.#directory.list(limit, maxRequests, mayWait);
  }

  /** When the file with this name last changed, by the host's clock; undefined if there is no such file. */
  ctimeNs(name: string): bigint | undefined {
    return this.#directory.lstat(name)?.ctimeNs;
  }

  /** Whether a plain request that has its response is held: its client may still write the next one into it. */
  get isHolding(): boolean {
    return this.#aside.isHolding;
  }

  /** Checks the file at a slot's request name; reads it if it is a regular file of a request's size. */
  read(slot: Slot): SlotContent {
    if (slot.kind === 'plain') this.#aside.settle();
    return readRequest(this.#directory, slot);
  }

  /** Whether a slot's request is still the one that was read. */
  stateOf(slot: Slot, file: FileVersion): RequestState {
    const { isOpen } = this.#directory;
    const stats = isOpen ? this.#directory.lstat(requestName(slot)) : undefined;
    if (stats === undefined) return 'withdrawn';
    return isUntouched(file, versionOf(stats)) ? 'untouched' : 'changed';
  }

  /**
   * Marks the plain request that is about to be computed or refused, so that any later write into it
   * shows.
   *
   * @param text The request as it was read; undefined if it was too large to read.
   * @returns the file's version with the mark; undefined if it is no longer that request.
   */
  markPlain(text: string | undefined): FileVersion | undefined {
    return markPlain(this.#directory, text);
  }

  /**
   * Puts a response in place, then clears the request: a crash in between costs a repeated
   * computation, never a response. Does nothing if the request is not the one that was read.
   *
   * @throws UndeliverableError if a directory has the response's name; the request is then removed.
   * @throws the error of the system call that failed; no file is left behind then, and the request
   *   still exists.
   */
  respond(slot: Slot, file: FileVersion, line: string): Delivery {
    const state = this.stateOf(slot, file);
    // Its client may have read the response, and emptied it for the next one.
    const isInPlace = this.#uncleared.has(file);
    if (state !== 'untouched') return isInPlace ? 'delivered' : state;
    const isPlain = slot.kind === 'plain';
    if (!isInPlace) this.#putInPlace(slot, line, isPlain ? file.ctimeNs : undefined);
    this.#uncleared.add(file);
    return isPlain ? this.#clearPlain(file) : this.#clearNamed(slot);
  }

  /**
   * Responds to an irregular file at a request's name, and removes that file. In the plain slot the next
   * request may have the name by then: that request stays.
   *
   * @param onLeft Called if the file cannot be removed: a directory that is not empty.
   */
  respondToIrregular(slot: Slot, file: FileVersion, line: string, onLeft: () => void): void {
    this.#putInPlace(slot, line);
    const name = requestName(slot);
    if (this.#isDirectory(name)) this.#directory.removeDirectory(name, onLeft);
    else if (slot.kind === 'plain') this.#aside.clear(file);
    else this.#directory.discard(name);
  }

  /** Whether the slot has a response that is newer than the file at its request's name. */
  hasNewerResponse(slot: Slot, file: FileVersion): boolean {
    const stats = this.#responseIn(slot);
    return stats !== undefined && stats.ctimeNs > file.ctimeNs;
  }

  /**
   * Whether a request has its response, because a crash prevented its clearing. In doubt this is false: the
   * request is then computed again. The plain slot's response says which request it belongs to: by the order
   * of times alone, an unread response could be taken for that of a request that came after the clock was
   * set back.
   */
  hasResponse(slot: Slot, file: FileVersion): boolean {
    if (slot.kind === 'named') return this.hasNewerResponse(slot, file);
    const stats = this.#responseIn(slot);
    return stats !== undefined && isMarked(file) && isResponseTo(file, stats);
  }

  /** Clears a request that got its response before a crash. */
  clear(slot: Slot, file: FileVersion): void {
    if (slot.kind === 'plain') this.#aside.clear(file);
    else this.#directory.discard(requestName(slot));
  }

  /**
   * Empties the plain slot's response file, whose content could be taken for the response to the request
   * that is now admitted. The file is replaced by a new empty one, because truncating would reach through a
   * hard link, and because NFS clients cache the absence of a name.
   */
  emptyPlainResponse(): void {
    const name = responseName(PLAIN_SLOT);
    const stats = this.#directory.lstat(name);
    if (stats === undefined || (stats.isFile() && stats.size === 0n)) return;
    this.#putInPlace(PLAIN_SLOT, '');
  }

  /**
   * Removes the leftovers of a mediator that was killed. A plain request that it had set aside in order to
   * clear it gets its name back if it is not the one that has the response.
   *
   * @returns whether a request got its name back.
   */
  recover(names: Iterable<string>): boolean {
    let wentBack = false;
    for (const name of names) {
      if (isOwn(name)) this.#directory.removeOwn(name);
      if (name.startsWith(TAKEN_PREFIX)) wentBack = this.#aside.recover(name) || wentBack;
    }
    return wentBack;
  }

  /** Removes responses that no client fetched, and leftovers of dead clients, if older than `beforeNs`. */
  removeStale(names: Iterable<string>, beforeNs: bigint): number {
    let removed = 0;
    for (const name of names) {
      const slot = slotOfResponse(name);
      const isLeftover = name.startsWith(CLEARED_PREFIX) || TEMPORARY_REQUEST.test(name);
      if (slot === undefined && !isLeftover) continue;
      // An empty response file whose request is still waiting has been created for that request.
      if (slot !== undefined && this.#directory.lstat(requestName(slot)) !== undefined) continue;
      const stats = this.#directory.lstat(name);
      if (stats === undefined || stats.ctimeNs >= beforeNs || stats.isDirectory()) continue;
      // Old clients expect the empty response file of the plain slot to stay.
      if (slot?.kind === 'plain' && stats.size === 0n) continue;
      this.#directory.discard(name);
      removed += 1;
    }
    return removed;
  }

  /** Leaves the next request alone if it has the name by now: while it has no name, it would seem cleared. */
  #clearPlain(file: FileVersion): Delivery {
    if (this.stateOf(PLAIN_SLOT, file) === 'untouched') this.#aside.clear(file);
    return 'delivered';
  }

  #checkHeld(delayMs: number): void {
    clearTimeout(this.#heldCheck);
    this.#heldCheck = setTimeout(() => {
      if (!this.isHolding) return;
      this.#onHeld();
      this.#checkHeld(2 * delayMs);
    }, delayMs);
  }

  #isDirectory(name: string): boolean {
    return this.#directory.lstat(name)?.isDirectory() === true;
  }

  #putInPlace(slot: Slot, line: string, mtimeNs?: bigint): void {
    try {
      putResponse(this.#directory, slot, line, mtimeNs);
    } catch (error) {
      const name = requestName(slot);
      // A directory at the request's name stays.
      const isRemoved = error instanceof UndeliverableError && !this.#isDirectory(name);
      if (isRemoved) this.#directory.discard(name);
      throw error;
    }
  }

  #responseIn(slot: Slot): FileStats | undefined {
    const stats = this.#directory.lstat(responseName(slot));
    return stats?.isFile() === true && stats.size > 0n ? stats : undefined;
  }

  /** An id is used once, so any file of its name is the request that has the response. */
  #clearNamed(slot: Slot): Delivery {
    if (this.#directory.discard(requestName(slot))) return 'delivered';
    // Withdrawn at the last moment: no client will fetch the response.
    this.#directory.discard(responseName(slot));
    return 'withdrawn';
  }
}

/** Whether the name is one that only a mediator gives, to files that it removes in the end. */
function isOwn(name: string): boolean {
  return name.startsWith(RESPONSE_PREFIX) || name.startsWith(CLEARED_PREFIX);
}

const ignore = () => undefined;
