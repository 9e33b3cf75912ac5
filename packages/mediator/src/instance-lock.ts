import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { MediatorError } from './mediator-error.js';

/** The exit status of flock(1) for a lock that somebody else holds. */
const HELD = 1;

/**
 * Keeps a second mediator off a state directory, by an flock(2) lock on a file in it. The kernel
 * lets it go when the process ends, however it ends, so that nothing stale can remain.
 */
export class InstanceLock {
  readonly #stateDir: string;
  #fd: number | undefined;

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
  }

  /** @throws MediatorError `ALREADY_RUNNING` or `STATE_DIR_UNUSABLE`. */
  acquire(): void {
    const path = join(this.#stateDir, 'lock');
    let fd: number;
    try {
      mkdirSync(this.#stateDir, { recursive: true, mode: 0o700 });
      fd = openSync(path, 'a', 0o600);
    } catch (error) {
      throw this.#unusable((error as Error).message, error);
    }
    // Node has no flock(2). The lock belongs to the open file, which the child shares and this
    // process keeps.
    const { error, status, stderr } = spawnSync('flock', ['-n', '3'], {
      stdio: ['ignore', 'ignore', 'pipe', fd],
      encoding: 'utf8',
    });
    if (error === undefined && status === 0) {
      this.#fd = fd;
      return;
    }
    closeSync(fd);
    if (error !== undefined) {
      throw this.#unusable(`cannot run flock (of util-linux or busybox): ${error.message}`, error);
    }
    if (status !== HELD) throw this.#unusable(`flock failed: ${stderr.trim()}`);
    throw new MediatorError(
      'ALREADY_RUNNING',
      `another mediator holds ${path}; stop it first, or give this one another --state-dir and --root`,
    );
  }

  release(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #unusable(reason: string, cause?: unknown): MediatorError {
    return new MediatorError(
      'STATE_DIR_UNUSABLE',
      `cannot use ${this.#stateDir} as the state directory: ${reason}; give another with --state-dir`,
      { cause },
    );
  }
}
