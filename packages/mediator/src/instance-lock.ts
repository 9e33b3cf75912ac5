import { constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from './directories.js';
import { flock } from './flock.js';
import { MediatorError, unusableRoot, unusableStateDir } from './mediator-error.js';
import { closeRead, tolerate } from './spool/errno.js';

/**
 * Where a mediator was killed just now, the child by which it locks may still be about to end, and
 * holds the lock until then.
 */
const PATIENCE_MS = 1000;

/**
 * Keeps a second mediator off a state directory and a root, by locks on a file in the one and on the
 * other. They go with the process: nothing stale can remain.
 */
export class InstanceLock {
  readonly #stateDir: string;
  readonly #root: string | undefined;
  #descriptors: number[] = [];
  #rootDescriptor: number | undefined;

  constructor(stateDir: string, root?: string) {
    this.#stateDir = stateDir;
    this.#root = root;
  }

  /**
   * Creates the state directory if there is none.
   *
   * @throws MediatorError `ALREADY_RUNNING`, `STATE_DIR_UNUSABLE` or `ROOT_UNUSABLE`.
   */
  acquire(): void {
    try {
      this.#lockStateDir();
      this.#lockRoot(PATIENCE_MS);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  release(): void {
    for (const fd of this.#descriptors.splice(0)) closeRead(fd);
    this.#rootDescriptor = undefined;
  }

  /**
   * Locks the directory that has the root's name now, and no longer the one that had it before. Waits for
   * nobody: VMs are being served.
   *
   * @throws MediatorError `ALREADY_RUNNING` or `ROOT_UNUSABLE`; then the one before stays locked.
   */
  lockRoot(): void {
    this.#lockRoot(0);
  }

  #lockRoot(patienceMs: number): void {
    if (this.#root === undefined) return;
    const before = this.#rootDescriptor;
    this.#rootDescriptor = this.#lockDirectory(this.#root, patienceMs);
    if (before === undefined) return;
    this.#descriptors = this.#descriptors.filter((fd) => fd !== before);
    closeRead(before);
  }

  #lockStateDir(): void {
    const path = lockOf(this.#stateDir);
    let fd: number;
    try {
      makeDirectory(this.#stateDir, 0o700);
      // For reading: a file that is open for writing keeps its file system from being remounted.
      fd = openSync(path, constants.O_RDONLY | constants.O_CREAT, 0o600);
    } catch (error) {
      throw unusableStateDir(this.#stateDir, error);
    }
    this.#descriptors.push(fd);
    let isLocked: boolean;
    try {
      isLocked = flock(fd, PATIENCE_MS);
    } catch (error) {
      throw unusableStateDir(this.#stateDir, error);
    }
    if (isLocked) return;
    throw new MediatorError(
      'ALREADY_RUNNING',
      `another mediator holds ${path}; stop it first, or give this one another --root`,
    );
  }

  #lockDirectory(root: string, patienceMs: number): number {
    let fd: number;
    try {
      fd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch (error) {
      throw unusableRoot(root, error);
    }
    if (lockedIfPossible(fd, patienceMs)) {
      this.#descriptors.push(fd);
      return fd;
    }
    closeRead(fd);
    throw new MediatorError(
      'ALREADY_RUNNING',
      `another mediator serves ${root}; stop it first, or give this one another --root`,
    );
  }
}

/** Where the file system can not lock a directory, as NFS, the lock of the state must do. */
function lockedIfPossible(fd: number, patienceMs: number): boolean {
  try {
    return flock(fd, patienceMs);
  } catch {
    return true;
  }
}

/**
 * Whether a mediator uses a state directory.
 *
 * @throws the error of open(2), or Error if it cannot be locked at all.
 */
export function isLockHeld(stateDir: string): boolean {
  const fd = tolerate(['ENOENT'], () => openSync(lockOf(stateDir), constants.O_RDONLY));
  if (fd === undefined) return false;
  try {
    return !flock(fd, 0);
  } finally {
    closeRead(fd);
  }
}

function lockOf(stateDir: string): string {
  return join(stateDir, 'lock');
}
