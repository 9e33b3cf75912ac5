import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno).map(([name, number]) => [number, name]),
);

/**
 * The code of a failed system call (`ENOENT`, ...); undefined for every other error. By its number,
 * because Node has no name for some: ESTALE and EDQUOT come as "Unknown system error -116" and
 * "UNKNOWN".
 */
export function errnoOf(error: unknown): string | undefined {
  const { code, errno } = (error ?? {}) as NodeJS.ErrnoException;
  if (typeof code !== 'string') return undefined;
  if (typeof errno === 'number' && errno < 0) return NAMES.get(-errno) ?? `E${-errno}`;
  return /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/**
 * An error as those of `node:fs` are, of a system call that the addon has made.
 *
 * @param errno Negative.
 */
export function systemError(errno: number, syscall: string, ...paths: string[]): Error {
  const [code, text] = getSystemErrorMap().get(errno) ?? [`E${-errno}`, 'unknown error'];
  const places = paths.map((path) => `'${path}'`).join(' -> ');
  const error = new Error(`${code}: ${text}, ${syscall} ${places}`.trimEnd());
  return Object.assign(error, { code, errno, syscall });
}

/** Closes what was only read, of which nothing can be lost: it is closed even if that fails (close(2)). */
export function closeRead(fd: number): void {
  try {
    closeSync(fd);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}

/** Runs `operation`; gives undefined where it fails with one of the codes. */
export function tolerate<T>(codes: readonly string[], operation: () => T): T | undefined {
  try {
    return operation();
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined || !codes.includes(code)) throw error;
    return undefined;
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: "give the mediator's user access, or run it as root",
  EPERM: "give the mediator's user access, or run it as root",
  EROFS: 'remount the file system writable',
  ENOSPC: 'free space on the file system',
  EDQUOT: 'raise the quota',
  EMFILE: 'raise the limit of open files (ulimit -n)',
  ENFILE: 'raise fs.file-max',
};

/** Fields for a log line about a failed system call. */
export function explain(error: unknown): { readonly error: string; readonly remedy?: string } {
  const remedy = REMEDIES[errnoOf(error) ?? ''];
  return { error: (error as Error).message, ...(remedy !== undefined && { remedy }) };
}
