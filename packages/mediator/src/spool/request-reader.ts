import { MAX_LINE_BYTES, requestName, type Slot } from '@vgpu/protocol';
import type { FileStats, Reading } from './directory-calls.js';
import { errnoOf } from '@vgpu/linux';
import { identityOf, type FileIdentity } from './file-identity.js';
import type { OpenDirectory } from './open-directory.js';

/** What stands where a slot's request belongs. */
export type Sight =
  | { readonly kind: 'absent' }
  | { readonly kind: 'empty' }
  /** One bounded read of a regular file, a character for each byte. */
  | { readonly kind: 'text'; readonly text: string; readonly file: FileIdentity }
  | { readonly kind: 'too-large'; readonly bytes: bigint; readonly file: FileIdentity }
  /** Anything but a regular file with one link that may be read. */
  | { readonly kind: 'irregular'; readonly what: string; readonly file: FileIdentity };

// One byte more than allowed, to notice a file that grew past the limit after its fstat. Reads are
// synchronous and the text is copied out at once, so that one buffer serves all directories.
const readBuffer = Buffer.allocUnsafe(MAX_LINE_BYTES + 1);

/** Looks at a slot's request; reads it if it is a regular file of a request's size. */
export function readRequest(directory: OpenDirectory, slot: Slot): Sight {
  const name = requestName(slot);
  const stats = directory.lstat(name);
  if (stats === undefined) return { kind: 'absent' };
  if (!stats.isFile() || stats.nlink !== 1n) return irregular(stats);
  if (stats.size === 0n) return { kind: 'empty' };
  let reading: Reading;
  try {
    reading = directory.calls.read(name, readBuffer);
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
  return sightOf(reading, stats);
}

function sightOf({ stats, bytes }: Reading, seen: FileStats): Sight {
  if (stats.nlink === 0n) return { kind: 'absent' };
  if (!stats.isFile() || stats.nlink !== 1n) return irregular(stats);
  // Swapped in since the lstat: it may have had a second link until a moment ago.
  if (stats.ino !== seen.ino || stats.dev !== seen.dev) return { kind: 'absent' };
  const file = identityOf(stats);
  if (stats.size > MAX_LINE_BYTES) return { kind: 'too-large', bytes: stats.size, file };
  if (bytes > MAX_LINE_BYTES) return { kind: 'too-large', bytes: BigInt(bytes), file };
  return bytes === 0
    ? { kind: 'empty' }
    : { kind: 'text', text: readBuffer.toString('latin1', 0, bytes), file };
}

function irregular(stats: FileStats): Sight {
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
