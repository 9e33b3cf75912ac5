/**
 * The only module that touches what is inside a VM directory, with its parts `open-directory`,
 * `directory-calls` (`native-calls`, `proc-calls`), `request-reader`, `answer-writer` and
 * `plain-request`, which nobody else imports.
 *
 * Everything in there was written by somebody else's root user, who may also rename, replace and
 * remove anything at any moment. What that could be used for, and what stands against it:
 *
 * - A symbolic link, as the directory, a request or an answer, to a file of the host or of another
 *   VM: everything is opened with O_NOFOLLOW below a descriptor of the directory
 *   (openat(2) and its like; without the addon `/proc/<pid>/fd/<fd>/<name>`); answers are new files (O_EXCL)
 *   renamed over whatever stands there, and rename(2) replaces a link, never its target.
 * - A FIFO, whose opening would block the process until somebody opens the other end; a socket or
 *   a device, whose opening has effects: lstat(2) first, and O_NONBLOCK should one be swapped in.
 * - A hard link to a file of another tenant on the same file system: a request must have one link.
 * - A swap between check and use: what is trusted (type, size, links, identity) comes from fstat(2)
 *   on the open descriptor that is then read, once, and never more than the limit.
 * - A huge or a sparse file: its size is refused before it is read, and the read is bounded.
 * - A file that takes long to free, of many gigabytes or of many extents, which the mediator is made to
 *   remove, to replace or to close: a thread does that. What is to be removed gets a name first that
 *   nothing else can have, and what is to be replaced exchanges its name with the response: neither
 *   frees anything, whatever is swapped in meanwhile, and neither needs a permission on the file.
 * - A file that grows while it is read: the identity was taken before, so the next look differs.
 * - A directory that stands where the answer belongs: it is removed if empty, else the request is.
 * - A million entries, or the blocks of a million that are gone: listings are bounded and go on where they
 *   ended, and a thread reads what is large; nothing else is done in the directory meanwhile.
 * - Names like the mediator's own (`.vgpu-answer-*`, `.vgpu-cleared-*`, `.vgpu-taken-*`): the mediator's hold a random
 *   number; the guest's are removed after a restart, or become a request of that guest.
 * - A directory that is renamed, or replaced, while its files are used: all names are looked up from
 *   the descriptor, which stays with the directory that was opened.
 *
 * The flags of open(2), and why each is there:
 *
 * | flag                  | of          | without it                                                  |
 * | --------------------- | ----------- | ----------------------------------------------------------- |
 * | O_DIRECTORY           | directories | a FIFO in the directory's place would block                 |
 * | O_NOFOLLOW            | all         | a link would lead to a file of the host or of another VM    |
 * | O_NONBLOCK            | requests    | a FIFO, or a lease that a guest holds, would block          |
 * | O_CREAT and O_EXCL    | answers     | an answer could be written into a file that the guest holds |
 */
import { PLAIN_SLOT, requestName, responseName, slotOfResponse, type Slot } from '@vgpu/protocol';
import { UndeliverableError } from '../scheduling/request-source.js';
import { ANSWER_PREFIX, putAnswer } from './answer-writer.js';
import type { FileStats } from './directory-calls.js';
import { versionOf, isUntouched, type FileVersion } from './file-version.js';
import { CLEARED_PREFIX, OpenDirectory, type Listing } from './open-directory.js';
import { isAnswerTo, isMarked, markPlain, SetAside, TAKEN_PREFIX } from './plain-request.js';
import { readRequest, type SlotContent } from './request-reader.js';

export type { Listing, SlotContent };

/** What is in a slot and is to be served or rejected. */
export type ArrivedContent = Extract<SlotContent, { readonly version: FileVersion }>;

/** Until the first look at an answered plain request that is held; each further one takes twice as long. */
const HELD_LOOK_MS = 250;

/** What became of a request: still as it was read, gone, or another one. */
export type RequestState = 'untouched' | 'withdrawn' | 'changed';

/** An answer's way: in place and its request cleared, or not, because the request was `RequestState`. */
export type Delivery = 'delivered' | Exclude<RequestState, 'untouched'>;

const TEMPORARY_REQUEST = /^\.request(?:-[A-Za-z0-9_-]{1,64})?\.[A-Za-z0-9_-]{1,64}$/;

/** What a {@link VmDirectory} tells. */
export interface DirectoryEvents {
  /**
   * An answered plain request is held: `look` is to be called for the plain slot. Told now and then until
   * `isHolding` is false, for where inotify does not tell that its client has written into it.
   */
  readonly onHeld?: () => void;
  /** `isReady` has become true again. */
  readonly onReady?: () => void;
}

/** One VM's directory: the requests in it, and their answers. */
export class VmDirectory {
  readonly #directory: OpenDirectory;
  readonly #aside: SetAside;
  readonly #onHeld: () => void;
  #heldLook: NodeJS.Timeout | undefined;
  /** Requests whose answer is in place, and that an error has kept from being cleared. */
  readonly #uncleared = new WeakSet<FileVersion>();

  /**
   * Opens `<root>/vm<ID>`, and holds it open: it stays the same one even if its name is given to
   * another.
   *
   * @throws the error of open(2): `ENOENT`, `ENOTDIR` (also for a symbolic link), `EMFILE`, ...
   */
  constructor(root: string, vm: number, { onHeld = ignore, onReady }: DirectoryEvents = {}) {
    this.#directory = new OpenDirectory(root, vm, onReady);
    this.#onHeld = onHeld;
    this.#aside = new SetAside(this.#directory, () => {
      this.#lookAtHeld(HELD_LOOK_MS);
    });
  }

  get vm(): number {
    return this.#directory.vm;
  }

  /** Whether the thread that removes what was in it keeps up, so that more may be taken up. */
  get isReady(): boolean {
    return this.#directory.isReady;
  }

  /** Whether a thread has the kernel lock it: whoever makes or removes a name in it waits. */
  get isLocked(): boolean {
    return this.#directory.isLocked;
  }

  /** Has something done once it is not locked any more, or closed. */
  whenUnlocked(act: () => void): void {
    this.#directory.whenUnlocked(act);
  }

  /** What a thread has still to remove or to close. */
  get outstanding(): number {
    return this.#directory.outstanding;
  }

  /** For inotify_add_watch(2), which follows it to the directory that is open here. */
  get watchPath(): string {
    return this.#directory.path;
  }

  /** Fields for a log line, with paths that people can look up. */
  explain(error: unknown): ReturnType<OpenDirectory['explain']> {
    return this.#directory.explain(error);
  }

  /** Whether `stats`, of the name in the root, are those of this directory. */
  is(stats: FileStats): boolean {
    return this.#directory.is(stats);
  }

  /**
   * Asks the kernel anew. `exists` is false once the directory has been removed, or its name stands
   * for another one: one that took its place, or a file system that was mounted over it.
   */
  refresh(): { readonly exists: boolean; readonly mtimeNs: bigint } {
    return this.#directory.refresh();
  }

  /** What the directory itself took up at the last {@link refresh}: some file systems never shrink one. */
  get bytes(): number {
    return this.#directory.bytes;
  }

  /** Afterwards every request in it counts as withdrawn. */
  close(): void {
    clearTimeout(this.#heldLook);
    this.#directory.close();
  }

  /**
   * The next names, until there are `limit` or as many requests among them as `maxRequests`; a
   * listing that was cut goes on at the next call.
   *
   * @param mayWait Whether a thread may read a large directory: it is locked until then, and nothing is
   *   listed before. Of the call that begins a listing.
   */
  list(limit: number, maxRequests = limit, mayWait = false): Listing {
    return this.#directory.list(limit, maxRequests, mayWait);
  }

  /** When the file with this name last changed, by the host's clock; undefined if there is none. */
  ctimeNs(name: string): bigint | undefined {
    return this.#directory.lstat(name)?.ctimeNs;
  }

  /** Whether an answered plain request is held, into which its client may still write the next one. */
  get isHolding(): boolean {
    return this.#aside.isHolding;
  }

  /** Looks at a slot's request; reads it if it is a regular file of a request's size. */
  look(slot: Slot): SlotContent {
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
   * @param text The request as it was read; undefined if it was too large for that.
   * @returns what it looks like now; undefined if it is not that request any more.
   */
  markPlain(text: string | undefined): FileVersion | undefined {
    return markPlain(this.#directory, text);
  }

  /**
   * Puts an answer in place, then clears the request: a crash in between costs a repeated
   * computation, never an answer. Does nothing if the request is not the one that was read.
   *
   * @throws UndeliverableError if a directory is in the way; the request is then removed.
   * @throws the error of the system call that failed; nothing is left behind then, and the request
   *   is still there.
   */
  answer(slot: Slot, file: FileVersion, line: string): Delivery {
    const fate = this.stateOf(slot, file);
    // Its client may have read the answer, and emptied it for the next one.
    const isInPlace = this.#uncleared.has(file);
    if (fate !== 'untouched') return isInPlace ? 'delivered' : fate;
    const isPlain = slot.kind === 'plain';
    if (!isInPlace) this.#putInPlace(slot, line, isPlain ? file.ctimeNs : undefined);
    this.#uncleared.add(file);
    return isPlain ? this.#clearPlain(file) : this.#clearNamed(slot);
  }

  /**
   * Answers something that is no request's file and removes it. In the plain slot the next request may
   * have its name by then: that stays.
   *
   * @param onLeft Called if it cannot be removed: a directory that is not empty.
   */
  answerIrregular(slot: Slot, file: FileVersion, line: string, onLeft: () => void): void {
    this.#putInPlace(slot, line);
    const name = requestName(slot);
    if (this.#isDirectory(name)) this.#directory.removeDirectory(name, onLeft);
    else if (slot.kind === 'plain') this.#aside.clear(file);
    else this.#directory.discard(name);
  }

  /** Whether there is an answer that is newer than what stands where the request belongs. */
  hasNewerAnswer(slot: Slot, file: FileVersion): boolean {
    const stats = this.#answerIn(slot);
    return stats !== undefined && stats.ctimeNs > file.ctimeNs;
  }

  /**
   * Whether a request was answered, and a crash kept it from being cleared. In doubt it was not: it
   * is computed again then. The plain slot's answer says which request it belongs to: by the order of
   * times alone, an unread answer could be taken for the one to a request that came after the clock
   * was set back.
   */
  wasAnswered(slot: Slot, file: FileVersion): boolean {
    if (slot.kind === 'named') return this.hasNewerAnswer(slot, file);
    const stats = this.#answerIn(slot);
    return stats !== undefined && isMarked(file) && isAnswerTo(file, stats);
  }

  /** Clears a request that was answered before a crash. */
  clear(slot: Slot, file: FileVersion): void {
    if (slot.kind === 'plain') this.#aside.clear(file);
    else this.#directory.discard(requestName(slot));
  }

  /**
   * Empties the plain slot's answer if it holds one: a leftover that could be taken for the answer
   * to the request that is now taken up. A new empty file, because truncating would reach through
   * a hard link, and because NFS clients cache the absence of a name.
   */
  emptyPlainResponse(): void {
    const name = responseName(PLAIN_SLOT);
    const stats = this.#directory.lstat(name);
    if (stats === undefined || (stats.isFile() && stats.size === 0n)) return;
    this.#putInPlace(PLAIN_SLOT, '');
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
      if (isOwn(name)) this.#directory.removeOwn(name);
      if (name.startsWith(TAKEN_PREFIX)) wentBack = this.#aside.recover(name) || wentBack;
    }
    return wentBack;
  }

  /** Removes answers that nobody fetched and what dead clients left, if older than `beforeNs`. */
  removeStale(names: Iterable<string>, beforeNs: bigint): number {
    let removed = 0;
    for (const name of names) {
      const slot = slotOfResponse(name);
      const isLeftover = name.startsWith(CLEARED_PREFIX) || TEMPORARY_REQUEST.test(name);
      if (slot === undefined && !isLeftover) continue;
      // An empty answer file whose request is still waiting has been created for that request.
      if (slot !== undefined && this.#directory.lstat(requestName(slot)) !== undefined) continue;
      const stats = this.#directory.lstat(name);
      if (stats === undefined || stats.ctimeNs >= beforeNs || stats.isDirectory()) continue;
      // Old clients expect the empty answer file of the plain slot to stay.
      if (slot?.kind === 'plain' && stats.size === 0n) continue;
      this.#directory.discard(name);
      removed += 1;
    }
    return removed;
  }

  /** Where the next request stands by now it stays: in the moment in which it has no name it would look cleared. */
  #clearPlain(file: FileVersion): Delivery {
    if (this.stateOf(PLAIN_SLOT, file) === 'untouched') this.#aside.clear(file);
    return 'delivered';
  }

  #lookAtHeld(delayMs: number): void {
    clearTimeout(this.#heldLook);
    this.#heldLook = setTimeout(() => {
      if (!this.isHolding) return;
      this.#onHeld();
      this.#lookAtHeld(2 * delayMs);
    }, delayMs);
  }

  #isDirectory(name: string): boolean {
    return this.#directory.lstat(name)?.isDirectory() === true;
  }

  #putInPlace(slot: Slot, line: string, mtimeNs?: bigint): void {
    try {
      putAnswer(this.#directory, slot, line, mtimeNs);
    } catch (error) {
      const name = requestName(slot);
      // A directory stays.
      const isToGo = error instanceof UndeliverableError && !this.#isDirectory(name);
      if (isToGo) this.#directory.discard(name);
      throw error;
    }
  }

  #answerIn(slot: Slot): FileStats | undefined {
    const stats = this.#directory.lstat(responseName(slot));
    return stats?.isFile() === true && stats.size > 0n ? stats : undefined;
  }

  /** An id is used once, so whatever has its name is the request that was answered. */
  #clearNamed(slot: Slot): Delivery {
    if (this.#directory.discard(requestName(slot))) return 'delivered';
    // Withdrawn in the last moment: nobody will fetch the answer.
    this.#directory.discard(responseName(slot));
    return 'withdrawn';
  }
}

/** Whether only a mediator gives such a name, to what it removes in the end. */
function isOwn(name: string): boolean {
  return name.startsWith(ANSWER_PREFIX) || name.startsWith(CLEARED_PREFIX);
}

const ignore = () => undefined;
