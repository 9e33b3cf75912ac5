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
 * Replaces a file as a whole: wherever this is killed, or the power fails, there is the content of
 * before or of after. Its mode is 0600. What root writes belongs to the owner of the directory, so
 * that a mediator that is not root can read what its administrator has written for it.
 *
 * The new name is certain to survive a power failure only after {@link syncDirectory}.
 *
 * @param owner The user to whom the file is given instead; only root can.
 * @throws the error of the system call that failed; then the file is as before.
 */
export function replaceFile(path: string, content: string | Uint8Array, owner?: number): void {
  const temporary = `${path}.new`;
  // What a process that was killed has left.
  rmSync(temporary, { force: true });
  const fd = openSync(temporary, CREATE, 0o600);
  try {
    writeFileSync(fd, content);
    // Whatever the umask is.
    fchmodSync(fd, 0o600);
    const { uid, gid } = ownerFor(dirname(path));
    if (owner !== undefined || uid !== -1) fchownSync(fd, owner ?? uid, gid);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
}

const NOBODY_ELSE = { uid: -1, gid: -1 };

/** To whom something in a directory is given that this process makes; -1 leaves it as it is. */
export function ownerFor(directory: string): { readonly uid: number; readonly gid: number } {
  if (process.geteuid?.() !== 0) return NOBODY_ELSE;
  const { uid, gid } = statSync(directory);
  return uid === 0 ? NOBODY_ELSE : { uid, gid };
}

/** Makes sure that the names in a directory survive a power failure. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
