/**
 * The plain slot is special: its name is used again, in place, and the next request may be written the moment
 * the response is there. The next request must not be taken for the one that has the response.
 */
import { randomUUID } from 'node:crypto';
import { fstatSync, futimesSync } from 'node:fs';
import { PLAIN_SLOT, requestName } from '@vgpu/protocol';
import { errnoOf, tolerate } from '@vgpu/linux';
import type { FileStats } from './directory-calls.js';
import { versionOf, type FileVersion } from './file-version.js';
import type { OpenDirectory } from './open-directory.js';
import { readRequest } from './request-reader.js';

const REQUEST = requestName(PLAIN_SLOT);
/** Prefix of a request that has its response and is held for a while; the next mediator takes it over. */
export const TAKEN_PREFIX = '.vgpu-taken-';
/**
 * Minimum time for which a file is held, in milliseconds, unless the next one is set aside earlier: a client
 * may be stopped for a time slice or more between two steps of an open, over NFS between two calls.
 */
const HOLD_MS = 2000;
/** A time that no clock shows any more: a second after the epoch. */
const MARK_SECONDS = 1;
const MARK_NS = BigInt(MARK_SECONDS) * 1_000_000_000n;
/** Node sets times as seconds in a double, exact to 240 ns in this century, or truncated to microseconds. */
const TIME_ERROR_NS = 2000n;

/**
 * Marks the plain request that is about to be computed or refused, so that any later write into it
 * shows. Kernels before 6.13, and some file systems still, stamp files with a tick of up to 10 ms; the
 * next request may follow the response faster than that, in the same file and of the same length.
 *
 * @param text The request as it was read; undefined if it was too large to read.
 * @returns the file's version with the mark; undefined if it is no longer that request.
 */
export function markPlain(
  directory: OpenDirectory,
  text: string | undefined,
): FileVersion | undefined {
  const seen = directory.lstat(REQUEST);
  if (seen?.nlink !== 1n) return undefined;
  const fd = tolerate(['ENOENT', 'ELOOP', 'ENXIO'], () => directory.calls.open(REQUEST));
  if (fd === undefined) return undefined;
  try {
    // A hard link may have been swapped in: the time of another tenant's file must not be set.
    const stats = fstatSync(fd, { bigint: true });
    const isSame = stats.ino === seen.ino && stats.dev === seen.dev;
    if (!stats.isFile() || stats.nlink !== 1n || !isSame) return undefined;
    // Only the owner and the superuser may set it; without the mark the file's own timestamps have to do.
    tolerate(['EPERM', 'EACCES'], () => {
      futimesSync(fd, MARK_SECONDS, MARK_SECONDS);
    });
  } finally {
    directory.closeFile(fd);
  }
  // Read after the mark: only the content shows a write that came before it.
  const content = readRequest(directory, PLAIN_SLOT);
  if (content.kind === 'too-large') return text === undefined ? content.version : undefined;
  return content.kind === 'text' && content.text === text ? content.version : undefined;
}

export function isMarked({ mtimeNs }: FileVersion): boolean {
  return mtimeNs === MARK_NS;
}

/** Whether a response, whose mtime is set to the ctime of its request, belongs to this request. */
export function isResponseTo(
  { ctimeNs }: FileVersion,
  response: Pick<FileVersion, 'mtimeNs'>,
): boolean {
  const differenceNs = response.mtimeNs - ctimeNs;
  return -TIME_ERROR_NS < differenceNs && differenceNs < TIME_ERROR_NS;
}

/**
 * The plain request that got the last response, under a name of its own. Its client may be about to write
 * the next request into that very file: it has seen the response, and its open(2) resolved the name before
 * the file lost it. So the file is not removed at once, but held under a name that says which request it
 * should be. If it becomes another request, it gets its old name back.
 *
 * At most one file is held: setting aside the next one ends the time of the previous one.
 */
export class SetAside {
  readonly #directory: OpenDirectory;
  readonly #onHeld: () => void;
  #held: string | undefined;
  #heldSinceMs = 0;
  /** Files whose time is over; more than one only after an error. */
  readonly #ending = new Set<string>();

  /** @param onHeld Called when a file begins to be held: `settle` has to be called now and then. */
  constructor(directory: OpenDirectory, onHeld: () => void) {
    this.#directory = directory;
    this.#onHeld = onHeld;
  }

  /** Whether there is a file for `settle` to check. */
  get isHolding(): boolean {
    return this.#held !== undefined || this.#ending.size > 0;
  }

  /** Clears the plain request that has its response: the file at its name is set aside, then compared. */
  clear(file: FileVersion): void {
    // Leftovers of an error come first, so that they never accumulate.
    this.#endAll();
    const aside = `${TAKEN_PREFIX}${contentOf(file)}-${randomUUID()}`;
    tolerate(['ENOENT'], () => {
      this.#directory.calls.rename(REQUEST, aside);
      this.#hold(aside);
    });
    this.settle();
  }

  /**
   * Takes over a file that a killed mediator had set aside.
   *
   * @returns whether a request got its name back.
   */
  recover(aside: string): boolean {
    if (aside === this.#held) return false;
    this.#endAll();
    this.#hold(aside);
    return this.settle();
  }

  /**
   * Gives a file that has become another request its name back; removes a file that was held long enough.
   *
   * @returns whether a request got its name back.
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
    // If a second writer's request has the name, a file that was written later is the next request.
    const namedNs = this.#directory.lstat(REQUEST)?.ctimeNs;
    const asideNs = this.#directory.lstat(aside)?.ctimeNs;
    return namedNs !== undefined && asideNs !== undefined && namedNs < asideNs;
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
      const isBack = content === 'another' && this.#restore(aside);
      if (!isBack && content !== 'gone') this.#directory.removeOwn(aside);
      // A second name would make a hard link of the request: it is kept here until a thread has removed it.
      if (content === 'gone' || !this.#isSecondName(aside)) this.#ending.delete(aside);
      wentBack ||= isBack;
    }
    return wentBack;
  }

  #isSecondName(aside: string): boolean {
    const stats = this.#directory.lstat(aside);
    return stats?.isFile() === true && stats.nlink > 1n;
  }

  /** `none` if the file cannot become a request by any write. */
  #contentOf(aside: string): 'as named' | 'another' | 'none' | 'gone' {
    const stats = this.#directory.lstat(aside);
    if (stats === undefined) return 'gone';
    // Restoring its name may have left a second one.
    if (!stats.isFile() || stats.nlink !== 1n) return 'none';
    return isNamed(aside, stats) ? 'as named' : 'another';
  }

  /** Gives a file the request's name back, unless a newer request has it. */
  #restore(aside: string): boolean {
    try {
      this.#directory.calls.renameNew(aside, REQUEST);
      return true;
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'EEXIST') return false;
      if (code !== 'EINVAL' && code !== 'ENOSYS') throw error;
      return this.#restoreByLink(aside);
    }
  }

  /** For file systems without RENAME_NOREPLACE: link(2) does not replace a file either. */
  #restoreByLink(aside: string): boolean {
    try {
      this.#directory.calls.link(aside, REQUEST);
    } catch (error) {
      const code = errnoOf(error);
      if (code === undefined) throw error;
      if (code === 'EEXIST' || this.#directory.lstat(REQUEST) !== undefined) return false;
      // Some file systems have no hard links, and the kernel may forbid one (fs.protected_hardlinks).
      this.#directory.calls.rename(aside, REQUEST);
      return true;
    }
    this.#directory.removeOwn(aside);
    return true;
  }
}

/** Whether a file is the request that its name says it should be. */
function isNamed(aside: string, stats: FileStats): boolean {
  return aside.startsWith(`${TAKEN_PREFIX}${contentOf(versionOf(stats))}-`);
}

/** The file's version without the ctime, which renaming changes. */
function contentOf({ ino, size, mtimeNs }: FileVersion): string {
  return `${ino}-${size}-${mtimeNs}`;
}
