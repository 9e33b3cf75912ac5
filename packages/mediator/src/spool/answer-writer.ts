import { randomUUID } from 'node:crypto';
import { responseName, type Slot } from '@vgpu/protocol';
import { errnoOf } from '@vgpu/linux';
import type { OpenDirectory } from './open-directory.js';

/** A directory with content stands where the response belongs. */
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
    directory.replace(temporary, responseName(slot));
  } catch (error) {
    // What failed first counts.
    try {
      directory.removeOwn(temporary);
    } catch {
      // The next mediator removes it.
    }
    if (errnoOf(error) !== 'EISDIR') throw error;
    const message = `${responseName(slot)} is a directory that is not empty`;
    throw new UndeliverableError(message, { cause: error });
  }
}
