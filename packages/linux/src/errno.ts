import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

const NUMBERS: Readonly<Record<ErrnoName, number>> = constants.errno;
const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(NUMBERS).map(([name, number]) => [number, name]),
);

/** A name of errno(3), such as `ENOENT`. */
export type ErrnoName = `E${string}`;

/**
 * The code of a failed system call (`ENOENT`, ...); undefined for every other error. By its number,
 * because Node has no name for some: ESTALE and EDQUOT come as "Unknown system error -116" and
 * "UNKNOWN".
 *
 * @param error Whatever was thrown.
 */
export function errnoOf(error: unknown): string | undefined {
  const { code, errno } = (error ?? {}) as NodeJS.ErrnoException;
  if (typeof code !== 'string') return undefined;
  if (typeof errno === 'number' && errno < 0) return NAMES.get(-errno) ?? `E${-errno}`;
  return /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/**
 * Whether an error is one of these of errno(3). By its number, as {@link errnoOf}.
 *
 * @param error Whatever was thrown.
 * @param names Those that it may be.
 */
export function isErrno(error: unknown, ...names: readonly ErrnoName[]): boolean {
  const errno = typeof error === 'object' && error !== null && 'errno' in error ? error.errno : 0;
  return typeof errno === 'number' && names.some((name) => NUMBERS[name] === -errno);
}

/**
 * An error as those of `node:fs` are, of a system call that the addon has made.
 *
 * @param errno Negative.
 * @param syscall The call's name.
 * @param paths What it was made on.
 */
export function systemError(errno: number, syscall: string, ...paths: string[]): Error {
  const [code, text] = getSystemErrorMap().get(errno) ?? [`E${-errno}`, 'unknown error'];
  const places = paths.map((path) => `'${path}'`).join(' -> ');
  const error = new Error(`${code}: ${text}, ${syscall} ${places}`.trimEnd());
  const [path, dest] = paths;
  return Object.assign(error, {
    ...{ code, errno, syscall },
    ...(path !== undefined && { path }),
    ...(dest !== undefined && { dest }),
  });
}

/**
 * Closes what was only read, of which nothing can be lost: it is closed even if that fails (close(2)).
 *
 * @param fd Its descriptor.
 */
export function closeRead(fd: number): void {
  try {
    closeSync(fd);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}

/**
 * Runs an operation.
 *
 * @param codes Such as `ENOENT`.
 * @param operation What is done.
 * @returns What that gives; undefined where it fails with one of the codes.
 */
export function tolerate<T>(codes: readonly string[], operation: () => T): T | undefined {
  try {
    return operation();
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined || !codes.includes(code)) throw error;
    return undefined;
  }
}
