import { constants, lstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from './directories.js';
import { closeRead, flock, isUnsupported, tolerate } from '@vgpu/linux';
import { holderOf, lockFile, openLockFile } from './lock-file.js';
import type { Logger } from '../telemetry/logger.js';
import { MediatorError, unusableRoot, unusableStateDir } from '../mediator-error.js';

/**
 * How long to wait for a lock, in milliseconds. Without the addon, the child process that holds the
 * lock of a killed mediator may take a moment to end. A command may also be testing the lock.
 */
const PATIENCE_MS = 1000;

/** The lock file in the root, which VMs cannot reach. */
export const ROOT_LOCK = '.vgpu-mediator.lock';

/**
 * Prevents a second mediator on a state directory and a root, with a lock on a file in each. The
 * locks end with the process, so that no stale lock remains. Only the mediator can open these
 * files: any user could hold a lock on a file that others can open, such as the root itself.
 *
 * The root itself is locked, too, as mediators without that file do. It is the only lock where the
 * file cannot be created: in a root that is read-only, full, or another user's.
 */
export class InstanceLock {
  readonly #stateDir: string;
  readonly #root: string | undefined;
  readonly #logger: Logger | undefined;
  #stateDescriptor: number | undefined;
  #rootDescriptors: number[] = [];

  constructor(stateDir: string, root?: string, logger?: Logger) {
    this.#stateDir = stateDir;
    this.#root = root;
    this.#logger = logger;
  }

  /**
   * Creates the state directory if it does not exist, and acquires the locks.
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
    const descriptors = [this.#stateDescriptor, ...this.#rootDescriptors.splice(0)];
    this.#stateDescriptor = undefined;
    for (const fd of descriptors) if (fd !== undefined) closeRead(fd);
  }

  /**
   * Locks the directory that now has the root's name, and releases the previous one. Does not wait,
   * since VMs are being served.
   *
   * @throws MediatorError `ALREADY_RUNNING` or `ROOT_UNUSABLE`; then the previous one stays locked.
   */
  lockRoot(): void {
    this.#lockRoot(0);
  }

  #lockRoot(patienceMs: number): void {
    if (this.#root === undefined) return;
    const locked = this.#lockedIn(this.#root, patienceMs);
    for (const fd of this.#rootDescriptors) closeRead(fd);
    this.#rootDescriptors = locked;
  }

  #lockStateDir(): void {
    const path = lockOf(this.#stateDir);
    try {
      makeDirectory(this.#stateDir, 0o700);
      this.#stateDescriptor = openLockFile(path);
      if (lockFile(this.#stateDescriptor, path, PATIENCE_MS)) return;
    } catch (error) {
      throw unusableStateDir(this.#stateDir, error);
    }
    throw alreadyRunning(`${holderOf(path)} holds ${path}`);
  }

  /** Locks a root; returns the descriptors that hold the locks. */
  #lockedIn(root: string, patienceMs: number): number[] {
    const opened: number[] = [];
    try {
      opened.push(openSync(root, constants.O_RDONLY | constants.O_DIRECTORY));
      const [directory = -1] = opened;
      const path = join(root, ROOT_LOCK);
      const file = openUnlessImpossible(path);
      if (file !== undefined) opened.push(file);
      const isLocked = file !== undefined && lockIfPossible(() => lockFile(file, path, patienceMs));
      if (isLocked === false && file !== undefined) {
        throw alreadyRunning(`${holderOf(path)} holds ${path}`);
      }
      this.#lockDirectory(directory, root, isLocked === true ? 0 : patienceMs, isLocked === true);
      return opened;
    } catch (error) {
      for (const fd of opened) closeRead(fd);
      throw error instanceof MediatorError ? error : unusableRoot(root, error);
    }
  }

  #lockDirectory(fd: number, root: string, patienceMs: number, isLocked: boolean): void {
    if (lockIfPossible(() => flock(fd, patienceMs)) !== false) return;
    if (!isLocked) {
      throw alreadyRunning(
        `another process holds a lock on ${root} (lslocks names it), and ${ROOT_LOCK} cannot be created ` +
          'there',
      );
    }
    this.#logger?.warn('another process holds a lock on the root directory, which has no effect', {
      root,
      remedy: 'find it with lslocks; if it is another mediator, stop one of them',
    });
  }
}

/**
 * Returns undefined if the file does not exist and cannot be created: the root is read-only, full,
 * or not ours.
 */
function openUnlessImpossible(path: string): number | undefined {
  try {
    return openLockFile(path);
  } catch (error) {
    const isThere = tolerate(['ENOENT'], () => lstatSync(path)) !== undefined;
    if (isThere) throw error;
    return undefined;
  }
}

/**
 * Returns undefined if the file system has no locks, like some NFS; then the lock of the state
 * directory suffices.
 */
function lockIfPossible(lock: () => boolean): boolean | undefined {
  try {
    return lock();
  } catch (error) {
    if (isUnsupported(error)) return undefined;
    throw error;
  }
}

function alreadyRunning(reason: string): MediatorError {
  return new MediatorError(
    'ALREADY_RUNNING',
    `${reason}; stop it first, or give this mediator another --root`,
  );
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
