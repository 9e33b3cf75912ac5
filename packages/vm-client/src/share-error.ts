import { type ErrnoName, isErrno } from '@vgpu/linux';
import { type FailureCode, VgpuError } from './errors.js';

/** What errors of the system mean for a call, and what to do about them. */
const MEANINGS: readonly {
  readonly errors: readonly ErrnoName[];
  readonly code: FailureCode;
  readonly remedy: string;
}[] = [
  {
    errors: ['ENOENT', 'ENOTDIR', 'ENODEV', 'ENXIO', 'ESTALE'],
    code: 'SHARE_UNAVAILABLE',
    remedy: 'mount the share of this VM there, or have its directory created on the host',
  },
  {
    errors: ['EIO', 'ENOTCONN', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'],
    code: 'SHARE_UNAVAILABLE',
    remedy: 'check the connection to the host, then mount the share again',
  },
  {
    errors: ['EACCES', 'EPERM'],
    code: 'NO_PERMISSION',
    remedy: 'run as a user who may read and write there',
  },
  { errors: ['EROFS'], code: 'CANNOT_CREATE', remedy: 'mount the share writable' },
  { errors: ['ENOSPC', 'EDQUOT'], code: 'CANNOT_CREATE', remedy: 'free space on the share' },
  { errors: ['EMFILE', 'ENFILE'], code: 'CANNOT_CREATE', remedy: 'raise the limit of open files' },
];

/**
 * Turns a failed file operation into the error that a caller gets; a {@link VgpuError} stays as it
 * is.
 *
 * @param action What failed, on what: follows "cannot".
 * @param otherwise The code of a failure that is not in the table.
 */
export function shareError(action: string, cause: unknown, otherwise: FailureCode): VgpuError {
  if (cause instanceof VgpuError) return cause;
  const known = MEANINGS.find(({ errors }) => isErrno(cause, ...errors));
  const { code, remedy } = known ?? { code: otherwise, remedy: 'check the share' };
  return new VgpuError(code, `cannot ${action}: ${reasonOf(cause)}; ${remedy}`, { cause });
}

/** The message of what was thrown, which need not be an Error of this realm. */
export function reasonOf(cause: unknown): string {
  return typeof cause === 'object' && cause !== null && 'message' in cause
    ? String(cause.message)
    : String(cause);
}
