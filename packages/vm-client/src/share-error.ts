import { type ErrnoName, isErrno } from '@vgpu/linux';
import { type FailureCode, VgpuError } from './errors.js';

/** The meanings of system errors for a call, and their remedies. */
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
    remedy: 'run as a user with permission to read and write there',
  },
  { errors: ['EROFS'], code: 'CANNOT_CREATE', remedy: 'mount the share writable' },
  { errors: ['ENOSPC', 'EDQUOT'], code: 'CANNOT_CREATE', remedy: 'free space on the share' },
  { errors: ['EMFILE', 'ENFILE'], code: 'CANNOT_CREATE', remedy: 'raise the limit of open files' },
];

/**
 * Turns the error of a file operation into one for the caller; a {@link VgpuError} stays unchanged.
 *
 * @param action What failed, on what: the words after "cannot".
 * @param otherwise The code of a failure that is not in the table.
 */
export function shareError(action: string, cause: unknown, otherwise: FailureCode): VgpuError {
  if (cause instanceof VgpuError) return cause;
  const known = MEANINGS.find(({ errors }) => isErrno(cause, ...errors));
  const { code, remedy } = known ?? { code: otherwise, remedy: 'check the share' };
  return new VgpuError(code, `cannot ${action}: ${reasonOf(cause)}; ${remedy}`, { cause });
}

/** The message of a thrown value, which may be an Error of another realm. */
export function reasonOf(cause: unknown): string {
  return typeof cause === 'object' && cause !== null && 'message' in cause
    ? String(cause.message)
    : String(cause);
}
