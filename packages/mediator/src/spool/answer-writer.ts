import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  openSync,
  renameSync,
  rmdirSync,
  writeSync,
} from 'node:fs';
import { responseName, type Slot } from '@vgpu/protocol';
import { errnoOf, tolerate } from './errno.js';
import type { OpenDirectory } from './open-directory.js';

/** A directory with content stands where the answer belongs. */
export class UndeliverableError extends Error {
  override readonly name = 'UndeliverableError';
  readonly code = 'UNDELIVERABLE';
}

/** An answer on its way to its name; left behind only by a mediator that was killed. */
export const ANSWER_PREFIX = '.vgpu-answer-';

const CREATE_ANSWER =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Puts a line where a slot's answer belongs, over whatever stands there; leaves nothing behind if it
 * fails.
 *
 * @param mtimeNs The modification time that the file is to have, nanoseconds since the epoch.
 * @throws UndeliverableError
 * @throws the error of the system call that failed.
 */
export function putAnswer(
  directory: OpenDirectory,
  slot: Slot,
  line: string,
  mtimeNs?: bigint,
): void {
  const temporary = ANSWER_PREFIX + randomUUID();
  try {
    write(directory, temporary, line, mtimeNs);
    const name = responseName(slot);
    directory.freeing(name, () => {
      renameOver(directory, temporary, name);
    });
  } catch (error) {
    // What failed first counts.
    try {
      directory.remove(temporary);
    } catch {
      // The next mediator removes it.
    }
    throw error;
  }
}

function write(directory: OpenDirectory, name: string, text: string, mtimeNs?: bigint): void {
  const { uid, gid, mode } = directory.stats;
  // As readable and as writable as the directory: an old client truncates the answer it has read.
  const permissions = Number(mode) & 0o666;
  const fd = openSync(directory.at(name), CREATE_ANSWER, permissions);
  try {
    for (let rest = text; rest !== '';) rest = rest.slice(writeSync(fd, rest, null, 'latin1'));
    if (mtimeNs !== undefined) futimesSync(fd, Number(mtimeNs) / 1e9, Number(mtimeNs) / 1e9);
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

function renameOver(directory: OpenDirectory, from: string, to: string): void {
  try {
    renameSync(directory.at(from), directory.at(to));
  } catch (error) {
    if (errnoOf(error) !== 'EISDIR') throw error;
    try {
      rmdirSync(directory.at(to));
    } catch (cause) {
      if (errnoOf(cause) !== 'ENOTEMPTY') throw cause;
      throw new UndeliverableError(`${to} is a directory that is not empty`, { cause });
    }
    renameSync(directory.at(from), directory.at(to));
  }
}
