import { chmodSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { errnoOf } from '@vgpu/linux';

/**
 * Creates a directory, and those above it, with a mode whatever the umask is. Not by mkdir's own recursion: in Node 20 it never ends
 * where a file system refuses with ENOENT, as /proc does, and hides that one is read-only.
 *
 * @returns false if it was there already.
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
    // Another process may have made it meanwhile.
    return isThere(path, error);
  }
}

/** A set-group-ID bit that comes from the directory above stays. */
function create(path: string, mode: number): void {
  mkdirSync(path, mode);
  const given = statSync(path).mode & 0o7777;
  if ((given & 0o777) !== mode) chmodSync(path, (given & 0o7000) | mode);
}

/** False, as {@link makeDirectory} has it, where a directory was in the way of making one. */
function isThere(path: string, error: unknown): false {
  if (errnoOf(error) !== 'EEXIST') throw error;
  if (statSync(path).isDirectory()) return false;
  throw Object.assign(new Error('a file is in its place'), { code: 'ENOTDIR' });
}

/** Whether a directory is another one, or below it, whatever links lead there. */
export function isWithin(path: string, outer: string): boolean {
  const way = relative(realpathSync(outer), resolved(path));
  return way === '' || (!isAbsolute(way) && way.split('/')[0] !== '..');
}

/** Where a path leads, also one of which the end is not there yet, or cannot be reached. */
function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    const parent = dirname(path);
    if (errnoOf(error) === undefined || parent === path) throw error;
    return join(resolved(parent), basename(path));
  }
}
