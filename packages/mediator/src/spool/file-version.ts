import type { FileStats } from './directory-calls.js';

/**
 * Tells whether a name still refers to the file, and the content, that was read. The host's kernel sets
 * `ctimeNs` at every change of content, mode, owner or name; a guest can set the `mtime`, but not the
 * ctime (inode(7)).
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

/** Whether both are the same file, which was neither written nor renamed in between. */
export function isUntouched(before: FileVersion, after: FileVersion): boolean {
  return (
    before.ctimeNs === after.ctimeNs &&
    before.ino === after.ino &&
    before.dev === after.dev &&
    before.size === after.size &&
    before.mtimeNs === after.mtimeNs
  );
}
