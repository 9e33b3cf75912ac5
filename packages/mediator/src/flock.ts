import { spawnSync } from 'node:child_process';
import { errnoOf } from './spool/errno.js';

/** The exit status of flock(1) with `-n` for a lock that somebody else holds. */
const HELD = 1;

/**
 * Locks an open file for this process alone. The lock belongs to the open file, and the kernel lets it
 * go when that is closed or the process ends, however it ends: nothing stale can remain. Node has no
 * flock(2), so a child does it, which only shares the file.
 *
 * @param patienceMs How long to wait for somebody else who holds it, in milliseconds.
 * @returns Whether it is locked now.
 * @throws Error, which says why it can not be locked at all.
 */
export function flock(fd: number, patienceMs: number): boolean {
  const { status, error, stderr } = run(fd, ['-n', '3']);
  if (error === undefined && status === HELD) return patienceMs > 0 && waitFor(fd, patienceMs);
  if (error !== undefined) {
    throw new Error(`cannot run flock (of util-linux or busybox): ${error.message}`, {
      cause: error,
    });
  }
  if (status !== 0) throw new Error(`flock failed: ${stderr.trim()}`);
  return true;
}

function waitFor(fd: number, patienceMs: number): boolean {
  const { status, error } = run(fd, ['3'], patienceMs);
  if (error !== undefined && errnoOf(error) !== 'ETIMEDOUT') throw error;
  return status === 0;
}

function run(fd: number, args: readonly string[], timeout?: number) {
  const stdio = ['ignore', 'ignore', 'pipe', fd] as const;
  return spawnSync('flock', args, { stdio: [...stdio], encoding: 'utf8', timeout });
}
