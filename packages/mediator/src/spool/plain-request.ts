/**
 * What is special about the plain slot: its name is used again, in place, and the next request may be
 * written the moment the answer is there. It must not be taken for the answered one.
 */
import { randomUUID } from 'node:crypto';
import { fstatSync, futimesSync } from 'node:fs';
import { PLAIN_SLOT, requestName } from '@vgpu/protocol';
import { errnoOf, tolerate } from '@vgpu/linux';
import type { FileStats } from './directory-calls.js';
import { identityOf, type FileIdentity } from './file-identity.js';
import type { OpenDirectory } from './open-directory.js';
import { readRequest } from './request-reader.js';

const REQUEST = requestName(PLAIN_SLOT);
/** A request that was answered and is held for a while; the next mediator takes it over. */
export const TAKEN_PREFIX = '.vgpu-taken-';
/**
 * So long a file is held at least, unless the next one is set aside before, milliseconds: a client may
 * be stopped for a time slice or more between two steps of an open, over NFS between two calls.
 */
const HOLD_MS = 2000;
/** A time that no clock gives: a second after the epoch. */
const MARK_SECONDS = 1;
const MARK_NS = BigInt(MARK_SECONDS) * 1_000_000_000n;
/** Node sets times as seconds in a double, exact to 240 ns in this century, or cuts off at microseconds. */
const TIME_ERROR_NS = 2000n;

/**
 * Marks the plain request that is about to be computed or refused, so that any later write into it
 * shows: kernels before 6.13, and some file systems still, stamp files with a tick of up to 10 ms, and
 * the next request may follow the response faster than that, in the same file and as long.
 *
 * @param text The request as it was read; undefined if it was too large for that.
 * @returns what it looks like now; undefined if it is not that request any more.
 */
export function markPlain(
  directory: OpenDirectory,
  text: string | undefined,
): FileIdentity | undefined {
  const seen = directory.lstat(REQUEST);
  if (seen?.nlink !== 1n) return undefined;
  const fd = tolerate(['ENOENT', 'ELOOP', 'ENXIO'], () => directory.calls.open(REQUEST));
  if (fd === undefined) return undefined;
  try {
    // Not the time of somebody else's file, should a hard link have been swapped in.
    const stats = fstatSync(fd, { bigint: true });
    const isSame = stats.ino === seen.ino && stats.dev === seen.dev;
    if (!stats.isFile() || stats.nlink !== 1n || !isSame) return undefined;
    // Only the owner and root may; without the mark all is as good as the clock of the files.
    tolerate(['EPERM', 'EACCES'], () => {
      futimesSync(fd, MARK_SECONDS, MARK_SECONDS);
    });
  } finally {
    directory.closeFile(fd);
  }
  // After the mark: what was written before it can be told by its content only.
  const sight = readRequest(directory, PLAIN_SLOT);
  if (sight.kind === 'too-large') return text === undefined ? sight.file : undefined;
  return sight.kind === 'text' && sight.text === text ? sight.file : undefined;
}

export function isMarked({ mtimeNs }: FileIdentity): boolean {
  return mtimeNs === MARK_NS;
}

/** Whether an answer, whose mtime is set to the ctime of its request, belongs to this one. */
export function isAnswerTo(
  { ctimeNs }: FileIdentity,
  answer: Pick<FileIdentity, 'mtimeNs'>,
): boolean {
  const differenceNs = answer.mtimeNs - ctimeNs;
  return -TIME_ERROR_NS < differenceNs && differenceNs < TIME_ERROR_NS;
}

/**
 * The plain request that was answered last, under a name of its own. Its client may be about to write
 * the next request into that very file: it has seen the response, and its open(2) has looked the name
 * up before the file lost it. So the file is not removed at once, but held under a name that says which
 * request it should be. If it becomes another one it goes back to its old name.
 *
 * One file is held at most: the next one that is set aside ends the time of the one before.
 */
export class SetAside {
  readonly #directory: OpenDirectory;
  readonly #onHeld: () => void;
  #held: string | undefined;
  #heldSinceMs = 0;
  /** Files whose time is over; more than one only where an error has left them. */
  readonly #ending = new Set<string>();

  /** @param onHeld Called when a file is held from now on: `settle` is to be called now and then. */
  constructor(directory: OpenDirectory, onHeld: () => void) {
    this.#directory = directory;
    this.#onHeld = onHeld;
  }

  /** Whether there is a file for `settle` to look at. */
  get isHolding(): boolean {
    return this.#held !== undefined || this.#ending.size > 0;
  }

  /** Clears the plain request that was answered: whatever stands there is set aside, then compared. */
  clear(file: FileIdentity): void {
    // What an error has left comes first, so that there is never more of it.
    this.#endAll();
    const aside = `${TAKEN_PREFIX}${contentOf(file)}-${randomUUID()}`;
    tolerate(['ENOENT'], () => {
      this.#directory.calls.rename(REQUEST, aside);
      this.#hold(aside);
    });
    this.settle();
  }

  /**
   * Takes over what a mediator that was killed has left aside.
   *
   * @returns whether a request went back to its name.
   */
  recover(aside: string): boolean {
    if (aside === this.#held) return false;
    this.#endAll();
    this.#hold(aside);
    return this.settle();
  }

  /**
   * Puts back what has become another request, and removes what has been held long enough.
   *
   * @returns whether a request went back to its name.
   */
  settle(): boolean {
    const wentBack = this.#endAll();
    const held = this.#held;
    if (held === undefined) return wentBack;
    const isYoung = performance.now() - this.#heldSinceMs < HOLD_MS;
    if (isYoung && this.#mayBecomeRequest(held)) return wentBack;
    this.#held = undefined;
    this.#ending.add(held);
    return this.#endAll() || wentBack;
  }

  #mayBecomeRequest(aside: string): boolean {
    const content = this.#contentOf(aside);
    if (content !== 'another') return content === 'as named';
    // The request of a second writer has the name. What was written after that comes after it.
    const stands = this.#directory.lstat(REQUEST)?.ctimeNs;
    const written = this.#directory.lstat(aside)?.ctimeNs;
    return stands !== undefined && written !== undefined && stands < written;
  }

  #hold(aside: string): void {
    if (this.#held !== undefined) this.#ending.add(this.#held);
    this.#held = aside;
    this.#heldSinceMs = performance.now();
    this.#onHeld();
  }

  #endAll(): boolean {
    let wentBack = false;
    for (const aside of this.#ending) {
      const content = this.#contentOf(aside);
      const isBack = content === 'another' && this.#putBack(aside);
      if (!isBack && content !== 'gone') this.#directory.removeOwn(aside);
      // A second name would make a hard link of the request: it is known until a thread has removed it.
      if (content === 'gone' || !this.#isSecondName(aside)) this.#ending.delete(aside);
      wentBack ||= isBack;
    }
    return wentBack;
  }

  #isSecondName(aside: string): boolean {
    const stats = this.#directory.lstat(aside);
    return stats?.isFile() === true && stats.nlink > 1n;
  }

  /** `none` if it can't become a request, whatever is written to it. */
  #contentOf(aside: string): 'as named' | 'another' | 'none' | 'gone' {
    const stats = this.#directory.lstat(aside);
    if (stats === undefined) return 'gone';
    // A second name may be left of putting it back.
    if (!stats.isFile() || stats.nlink !== 1n) return 'none';
    return isNamed(aside, stats) ? 'as named' : 'another';
  }

  /** A request that is newer still stays. */
  #putBack(aside: string): boolean {
    try {
      this.#directory.calls.renameNew(aside, REQUEST);
      return true;
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'EEXIST') return false;
      if (code !== 'EINVAL' && code !== 'ENOSYS') throw error;
      return this.#linkBack(aside);
    }
  }

  /** Where the file system does not know RENAME_NOREPLACE: link(2) does not replace a file either. */
  #linkBack(aside: string): boolean {
    try {
      this.#directory.calls.link(aside, REQUEST);
    } catch (error) {
      const code = errnoOf(error);
      if (code === undefined) throw error;
      if (code === 'EEXIST' || this.#directory.lstat(REQUEST) !== undefined) return false;
      // Not every file system has second links, nor may everybody make one (fs.protected_hardlinks).
      this.#directory.calls.rename(aside, REQUEST);
      return true;
    }
    this.#directory.removeOwn(aside);
    return true;
  }
}

/** Whether a file is the request that the name says it should be. */
function isNamed(aside: string, stats: FileStats): boolean {
  return aside.startsWith(`${TAKEN_PREFIX}${contentOf(identityOf(stats))}-`);
}

/** Identity without the ctime, which renaming changes. */
function contentOf({ ino, size, mtimeNs }: FileIdentity): string {
  return `${ino}-${size}-${mtimeNs}`;
}
