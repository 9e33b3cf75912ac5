import { MAX_LINE_BYTES, requestName, type Slot } from '@vgpu/protocol';
import type { FileStats, Reading } from './directory-calls.js';
import { errnoOf } from '@vgpu/linux';
import { versionOf, type FileVersion } from './file-version.js';
import type { OpenDirectory } from './open-directory.js';

/** The file at the name of a slot's request. */
export type SlotContent =
  | { readonly kind: 'absent' }
  | { readonly kind: 'empty' }
  /** One bounded read of a regular file, a character for each byte. */
  | { readonly kind: 'text'; readonly text: string; readonly version: FileVersion }
  | { readonly kind: 'too-large'; readonly bytes: bigint; readonly version: FileVersion }
  /** Anything but a readable regular file with one link. */
  | { readonly kind: 'irregular'; readonly what: string; readonly version: FileVersion };

// One byte more than the limit, to notice a file that grew past it after its fstat. Reads are synchronous
// and the text is copied out at once, so that one buffer serves all directories.
const readBuffer = Buffer.allocUnsafe(MAX_LINE_BYTES + 1);

/** Checks the file at a slot's request name; reads it if it is a regular file of a request's size. */
export function readRequest(directory: OpenDirectory, slot: Slot): SlotContent {
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
        // Gone, or swapped for a link or a socket since the lstat: the next read sees it.
        return { kind: 'absent' };
      case 'EACCES':
        return {
          kind: 'irregular',
          what: 'a file that the mediator may not read',
          version: versionOf(stats),
        };
      case undefined:
      default:
        throw error;
    }
  }
  return contentAt(reading, stats);
}

function contentAt({ stats, bytes }: Reading, seen: FileStats): SlotContent {
  if (stats.nlink === 0n) return { kind: 'absent' };
  if (!stats.isFile() || stats.nlink !== 1n) return irregular(stats);
  // Swapped in since the lstat: it may have had a second link a moment ago.
  if (stats.ino !== seen.ino || stats.dev !== seen.dev) return { kind: 'absent' };
  const version = versionOf(stats);
  if (stats.size > MAX_LINE_BYTES) return { kind: 'too-large', bytes: stats.size, version };
  if (bytes > MAX_LINE_BYTES) return { kind: 'too-large', bytes: BigInt(bytes), version };
  return bytes === 0
    ? { kind: 'empty' }
    : { kind: 'text', text: readBuffer.toString('latin1', 0, bytes), version };
}

function irregular(stats: FileStats): SlotContent {
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
  return { kind: 'irregular', what, version: versionOf(stats) };
}
