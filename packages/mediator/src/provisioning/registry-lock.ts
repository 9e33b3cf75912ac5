import { constants, openSync } from 'node:fs';
import { closeRead, errnoOf, flock } from '@vgpu/linux';
import { MediatorError } from '../mediator-error.js';

/** The longest wait for the lock, far longer than a change of the registry, in milliseconds. */
const PATIENCE_MS = 10_000;

/**
 * Runs a function while no other process changes the registry, and waits for the lock if needed.
 * The lock is on the state directory itself; a running mediator holds another one.
 *
 * @throws MediatorError `STATE_DIR_UNUSABLE`.
 */
export function whileRegistryIsLocked<T>(stateDir: string, work: () => T): T {
  const fd = open(stateDir);
  try {
    lock(fd, stateDir);
    return work();
  } finally {
    closeRead(fd);
  }
}

function lock(fd: number, stateDir: string): void {
  let isLocked: boolean;
  try {
    isLocked = flock(fd, PATIENCE_MS);
  } catch (cause) {
    throw unusable(stateDir, (cause as Error).message, cause);
  }
  if (isLocked) return;
  throw unusable(stateDir, 'another process has been changing the registry for 10 seconds');
}

function open(stateDir: string): number {
  try {
    return openSync(stateDir, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (cause) {
    if (errnoOf(cause) === undefined) throw cause;
    throw unusable(stateDir, (cause as Error).message, cause);
  }
}

function unusable(stateDir: string, reason: string, cause?: unknown): MediatorError {
  return new MediatorError('STATE_DIR_UNUSABLE', `cannot lock ${stateDir}: ${reason}`, { cause });
}
