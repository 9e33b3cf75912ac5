import { randomUUID } from 'node:crypto';
import { responseName, type Slot } from '@vgpu/protocol';
import { errnoOf } from '@vgpu/linux';
import { UndeliverableError } from '../scheduling/request-source.js';
import type { OpenDirectory } from './open-directory.js';

/** Prefix of a response on its way to its name; only a mediator that is killed leaves such a file behind. */
export const RESPONSE_PREFIX = '.vgpu-answer-';

/**
 * Writes a line to a slot's response file, over any file of that name; leaves nothing behind if it
 * fails.
 *
 * @param mtimeNs The file's modification time, nanoseconds since the epoch; the current time if absent.
 * @throws UndeliverableError if a directory with content has the name.
 * @throws the error of the system call that failed.
 */
export function putResponse(
  directory: OpenDirectory,
  slot: Slot,
  line: string,
  mtimeNs?: bigint,
): void {
  const temporary = RESPONSE_PREFIX + randomUUID();
  const { uid, gid, mode } = directory.stats;
  try {
    // As readable and as writable as the directory: an old client truncates the response it has read.
    const attributes = { uid, gid, mode: Number(mode) & 0o666, mtimeNs };
    directory.calls.create(temporary, line, attributes);
    directory.replace(temporary, responseName(slot));
  } catch (error) {
    // The first error is the one to report.
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
