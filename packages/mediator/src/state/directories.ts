import { chmodSync, mkdirSync, realpathSync, statSync, readdirSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { errnoOf } from '@vgpu/linux';
import type { Logger } from '../telemetry/logger.js';
import { MediatorError, unusableRoot, unusableStateDir } from '../mediator-error.js';

/**
 * Creates a directory and its parents, with a mode independent of the umask. It does not use Node's
 * recursive mkdir, which in Node 20 never ends on file systems that fail with ENOENT, such as
 * /proc, and hides that one is read-only.
 *
 * @returns false if it already exists.
 * @throws the error of mkdir(2); `ENOTDIR` if a file is in the way.
 */
export function makeDirectory(path: string, mode: number): boolean {
  try {
    create(path, mode);
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) return isThere(path, error);
  }
  makeDirectory(dirname(path), mode);
  try {
    create(path, mode);
    return true;
  } catch (error) {
    // Another process may have created it in the meantime.
    return isThere(path, error);
  }
}

/** Keeps a set-group-ID bit that is inherited from the parent directory. */
function create(path: string, mode: number): void {
  mkdirSync(path, mode);
  const given = statSync(path).mode & 0o7777;
  if ((given & 0o777) !== mode) chmodSync(path, (given & 0o7000) | mode);
}

/** Returns false if the error says that the directory already exists. */
function isThere(path: string, error: unknown): false {
  if (errnoOf(error) !== 'EEXIST') throw error;
  if (statSync(path).isDirectory()) return false;
  throw Object.assign(new Error('a file is in its place'), { code: 'ENOTDIR' });
}

/** Whether a directory is the other one or below it, with links resolved. */
export function isWithin(path: string, outer: string): boolean {
  const way = relative(realpathSync(outer), resolved(path));
  return way === '' || (!isAbsolute(way) && way.split('/')[0] !== '..');
}

/** Resolves the links of a path, whose last part may not exist or not be reachable. */
function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    const parent = dirname(path);
    if (errnoOf(error) === undefined || parent === path) throw error;
    return join(resolved(parent), basename(path));
  }
}

/**
 * Creates the root directory if it does not exist, and checks that it can be read.
 *
 * @throws MediatorError `ROOT_UNUSABLE`.
 */
export function makeRoot(root: string, logger?: Logger): void {
  try {
    if (makeDirectory(root, 0o755)) logger?.info('created the root directory', { root });
    readdirSync(root);
  } catch (error) {
    throw unusableRoot(root, error);
  }
}

/**
 * Checks that guests cannot reach the state directory, where they could change their identity.
 *
 * @throws MediatorError `INVALID_CONFIG` or `ROOT_UNUSABLE`.
 */
export function requireElsewhere(stateDir: string, root: string): void {
  let isReachable: boolean;
  try {
    isReachable = isWithin(stateDir, root);
  } catch (error) {
    throw unusableRoot(root, error);
  }
  if (!isReachable) return;
  throw new MediatorError(
    'INVALID_CONFIG',
    `the state directory ${stateDir} is within the root ${root}, where virtual machines can reach ` +
      'it; choose another with --state-dir',
  );
}

/** Creates the state directory if it does not exist. @throws MediatorError `STATE_DIR_UNUSABLE`. */
export function makeStateDir(path: string): void {
  try {
    makeDirectory(path, 0o700);
  } catch (cause) {
    if (errnoOf(cause) === undefined) throw cause;
    throw unusableStateDir(path, cause);
  }
}
