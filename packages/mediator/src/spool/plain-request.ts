/**
 * What is special about the plain slot: its name is used again, in place, and the next request may be
 * written the moment the answer is there. It must not be taken for the answered one.
 */
import { randomUUID } from 'node:crypto';
import { fstatSync, futimesSync } from 'node:fs';
import { PLAIN_SLOT, requestName } from '@vgpu/protocol';
import { errnoOf, tolerate } from './errno.js';
import { identityOf, type FileIdentity } from './file-identity.js';
import type { OpenDirectory } from './open-directory.js';
import { readRequest } from './request-reader.js';

const REQUEST = requestName(PLAIN_SLOT);
/** A request that is being cleared; left behind only by a mediator that was killed. */
export const TAKEN_PREFIX = '.vgpu-taken-';
/** A time that no clock gives: a second after the epoch. */
const MARK_SECONDS = 1;
const MARK_NS = BigInt(MARK_SECONDS) * 1_000_000_000n;
/** Node sets times as seconds in a double, exact to 240 ns in this century, or cuts off at microseconds. */
const TIME_ERROR_NS = 2000n;

/**
 * Marks the plain request that is about to be computed, so that any later write into it shows:
 * kernels before 6.13, and some file systems still, stamp files with a tick of up to 10 ms, and the
 * next request may follow the answer faster than that, in the same file and as long.
 *
 * @param text The request as it was read.
 * @returns what it looks like now; undefined if it is not that request any more.
 */
export function markPlain(directory: OpenDirectory, text: string): FileIdentity | undefined {
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
 * Removes the plain request that was answered, and no other: it is set aside, under a name that says
 * which one it should be, then looked at, and put back if it is another.
 */
export function clearPlain(
  directory: OpenDirectory,
  file: FileIdentity,
  unsettled: Set<string>,
): void {
  const aside = `${TAKEN_PREFIX}${contentOf(file)}-${randomUUID()}`;
  tolerate(['ENOENT'], () => {
    directory.calls.rename(REQUEST, aside);
    unsettled.add(aside);
  });
  settleAll(directory, unsettled);
}

/**
 * Goes on where an error has left a request aside, or with a second name.
 *
 * @returns whether one was put back.
 */
export function settleAll(directory: OpenDirectory, unsettled: Set<string>): boolean {
  let wentBack = false;
  for (const aside of unsettled) {
    const isBack = settleTaken(directory, aside);
    // It may have two names until a thread has removed this one.
    if (!isBack) unsettled.delete(aside);
    wentBack ||= isBack;
  }
  return wentBack;
}

/**
 * Removes a request that was set aside, or puts it back if it is not the one that was meant.
 *
 * @returns whether it was put back.
 */
function settleTaken(directory: OpenDirectory, aside: string): boolean {
  const stats = directory.lstat(aside);
  if (stats === undefined) return false;
  const isMeant = aside.startsWith(`${TAKEN_PREFIX}${contentOf(identityOf(stats))}-`);
  const goesBack = stats.isFile() && !isMeant && putBack(directory, aside);
  directory.removeOwn(aside);
  return goesBack;
}

/** Not over a request that is newer still. */
function putBack(directory: OpenDirectory, aside: string): boolean {
  try {
    directory.calls.renameNew(aside, REQUEST);
    return true;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'EEXIST') return false;
    if (code !== 'EINVAL' && code !== 'ENOSYS') throw error;
    return linkBack(directory, aside);
  }
}

/** Where the file system knows no better: link(2), unlike rename(2), replaces nothing. */
function linkBack(directory: OpenDirectory, aside: string): boolean {
  try {
    directory.calls.link(aside, REQUEST);
    return true;
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    // Some file systems know no second link.
    if (code === 'EEXIST' || directory.lstat(REQUEST) !== undefined) return false;
    directory.calls.rename(aside, REQUEST);
    return true;
  }
}

/** Identity without the ctime, which renaming changes. */
function contentOf({ ino, size, mtimeNs }: FileIdentity): string {
  return `${ino}-${size}-${mtimeNs}`;
}
