import { spawnSync } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from './directories.js';
import { MediatorError, unusableRoot } from './mediator-error.js';
import { closeRead } from './spool/errno.js';

/** The exit status of flock(1) for a lock that somebody else holds. */
const HELD = 1;
const MAX_ATTEMPTS = 5;
const ATTEMPT_EVERY_MS = 100;

/**
 * Keeps a second mediator off a state directory and a root, by flock(2) locks on a file in the one
 * and on the other. The kernel lets them go when the process ends, however it ends, so that nothing
 * stale can remain.
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
      this.lockRoot();
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
   * Locks the directory that has the root's name now, and no longer the one that had it before.
   *
   * @throws MediatorError `ALREADY_RUNNING` or `ROOT_UNUSABLE`; then the one before stays locked.
   */
  lockRoot(): void {
    if (this.#root === undefined) return;
    const before = this.#rootDescriptor;
    this.#rootDescriptor = this.#lockDirectory(this.#root);
    if (before === undefined) return;
    this.#descriptors = this.#descriptors.filter((fd) => fd !== before);
    closeRead(before);
  }

  #lockStateDir(): void {
    const path = join(this.#stateDir, 'lock');
    let fd: number;
    try {
      makeDirectory(this.#stateDir, 0o700);
      // For reading: a file that is open for writing keeps its file system from being remounted.
      fd = openSync(path, constants.O_RDONLY | constants.O_CREAT, 0o600);
    } catch (error) {
      throw this.#unusable((error as Error).message, error);
    }
    const { status, error, stderr } = this.#lock(fd);
    if (error !== undefined) {
      throw this.#unusable(`cannot run flock (of util-linux or busybox): ${error.message}`, error);
    }
    if (status === HELD) {
      throw new MediatorError(
        'ALREADY_RUNNING',
        `another mediator holds ${path}; stop it first, or give this one another --root`,
      );
    }
    if (status !== 0) throw this.#unusable(`flock failed: ${stderr.trim()}`);
  }

  /** Where the file system cannot lock a directory, as NFS, the lock of the state must do. */
  #lockDirectory(root: string): number {
    let fd: number;
    try {
      fd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch (error) {
      throw unusableRoot(root, error);
    }
    if (this.#lock(fd).status !== HELD) return fd;
    this.#descriptors.pop();
    closeRead(fd);
    throw new MediatorError(
      'ALREADY_RUNNING',
      `another mediator serves ${root}; stop it first, or give this one another --root`,
    );
  }

  /**
   * Node has no flock(2). The lock belongs to the open file, which the child only shares; where a
   * mediator was killed just now its child may still be about to end, and holds the lock until then.
   */
  #lock(fd: number) {
    this.#descriptors.push(fd);
    for (let attempt = 1; ; attempt += 1) {
      const result = spawnSync('flock', ['-n', '3'], {
        stdio: ['ignore', 'ignore', 'pipe', fd],
        encoding: 'utf8',
      });
      if (result.status !== HELD || attempt === MAX_ATTEMPTS) return result;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ATTEMPT_EVERY_MS);
    }
  }

  #unusable(reason: string, cause?: unknown): MediatorError {
    return new MediatorError(
      'STATE_DIR_UNUSABLE',
      `cannot use ${this.#stateDir} as the state directory: ${reason}; give another with --state-dir`,
      { cause },
    );
  }
}
