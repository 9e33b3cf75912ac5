import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Replaces a file atomically: after a kill or a power failure it has either the old or the new
 * content. Its mode is 0600. A file of the superuser belongs to the owner of the directory, so that
 * a mediator without root privileges can read what its administrator writes.
 *
 * The new name survives a power failure only after {@link syncDirectory}.
 *
 * @param owner Another owner of the file; only the superuser can set it.
 * @throws the error of the system call that failed; then the file is unchanged.
 */
export function replaceFile(path: string, content: string | Uint8Array, owner?: number): void {
  const temporary = `${path}.new`;
  // A leftover of a killed process.
  rmSync(temporary, { force: true });
  const fd = openSync(temporary, CREATE, 0o600);
  try {
    writeFileSync(fd, content);
    // Not subject to the umask.
    fchmodSync(fd, 0o600);
    const { uid, gid } = ownerFor(dirname(path));
    if (owner !== undefined || uid !== -1) fchownSync(fd, owner ?? uid, gid);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
}

const UNCHANGED = { uid: -1, gid: -1 };

/** The owner of new files in a directory; -1 leaves the owner unchanged. */
export function ownerFor(directory: string): { readonly uid: number; readonly gid: number } {
  if (process.geteuid?.() !== 0) return UNCHANGED;
  const { uid, gid } = statSync(directory);
  return uid === 0 ? UNCHANGED : { uid, gid };
}

/** Flushes a directory, so that its names survive a power failure. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
