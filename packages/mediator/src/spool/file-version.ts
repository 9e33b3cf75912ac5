import type { FileStats } from './directory-calls.js';

/**
 * What tells whether a name still stands for the file, and the content, that was read. The kernel
 * of the host sets `ctimeNs` at every change of content, mode, owner or name; a guest can set the
 * `mtime`, but not this (inode(7)).
 */
export interface FileVersion {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

export function versionOf({ dev, ino, size, mtimeNs, ctimeNs }: FileStats): FileVersion {
  return { dev, ino, size, mtimeNs, ctimeNs };
}

/** Same file, not written to, not even renamed in between. */
export function isUntouched(before: FileVersion, after: FileVersion): boolean {
  return (
    before.ctimeNs === after.ctimeNs &&
    before.ino === after.ino &&
    before.dev === after.dev &&
    before.size === after.size &&
    before.mtimeNs === after.mtimeNs
  );
}
