import { spawnSync } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { MediatorError } from '../mediator-error.js';
import { closeRead, errnoOf } from '../spool/errno.js';

/** Far longer than any change of the registry takes. */
const PATIENCE_MS = 10_000;

/**
 * Does something while no other process that asks here changes the registry; waits for its turn. The
 * lock is one on the state directory itself (flock(2)): nothing stale can remain of it. A mediator
 * that is running holds another one.
 *
 * @throws MediatorError `STATE_DIR_UNUSABLE`.
 */
export function whileRegistryIsLocked<T>(stateDir: string, work: () => T): T {
  const fd = open(stateDir);
  try {
    // Node has no flock(2). The lock belongs to the open directory, which the child only shares.
    const { status, error, stderr } = spawnSync('flock', ['3'], {
      stdio: ['ignore', 'ignore', 'pipe', fd],
      encoding: 'utf8',
      timeout: PATIENCE_MS,
    });
    if (error !== undefined) throw unusable(stateDir, reasonOf(error), error);
    if (status !== 0) throw unusable(stateDir, `flock failed: ${stderr.trim()}`);
    return work();
  } finally {
    closeRead(fd);
  }
}

function open(stateDir: string): number {
  try {
    return openSync(stateDir, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (cause) {
    if (errnoOf(cause) === undefined) throw cause;
    throw unusable(stateDir, (cause as Error).message, cause);
  }
}

function reasonOf(error: Error): string {
  return errnoOf(error) === 'ETIMEDOUT'
    ? 'another process has been changing the registry for 10 seconds'
    : `cannot run flock (of util-linux or busybox): ${error.message}`;
}

function unusable(stateDir: string, reason: string, cause?: unknown): MediatorError {
  return new MediatorError('STATE_DIR_UNUSABLE', `cannot lock ${stateDir}: ${reason}`, { cause });
}
