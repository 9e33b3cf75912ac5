import { randomUUID } from 'node:crypto';
import { responseName, type Slot } from '@vgpu/protocol';
import { errnoOf } from './errno.js';
import type { OpenDirectory } from './open-directory.js';

/** A directory with content stands where the answer belongs. */
export class UndeliverableError extends Error {
  override readonly name = 'UndeliverableError';
  readonly code = 'UNDELIVERABLE';
}

/** An answer on its way to its name; left behind only by a mediator that was killed. */
export const ANSWER_PREFIX = '.vgpu-answer-';

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
  const { uid, gid, mode } = directory.stats;
  try {
    // As readable and as writable as the directory: an old client truncates the answer it has read.
    const attributes = { uid, gid, mode: Number(mode) & 0o666, mtimeNs };
    directory.calls.create(temporary, line, attributes);
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

function renameOver(directory: OpenDirectory, from: string, to: string): void {
  try {
    directory.calls.rename(from, to);
  } catch (error) {
    if (errnoOf(error) !== 'EISDIR') throw error;
    try {
      directory.calls.rmdir(to);
    } catch (cause) {
      if (errnoOf(cause) !== 'ENOTEMPTY') throw cause;
      throw new UndeliverableError(`${to} is a directory that is not empty`, { cause });
    }
    directory.calls.rename(from, to);
  }
}
