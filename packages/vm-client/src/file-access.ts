import { constants } from 'node:fs';
import { isErrno } from '@vgpu/linux';
import { MAX_LINE_BYTES } from '@vgpu/protocol';

const { O_RDONLY, O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = constants;

/** Node's name for O_EXCL with O_CREAT, which follows no link either. */
export const CREATE = 'wx';
/** Flags of open(2). O_NONBLOCK: a FIFO in the place of a file would block the open without end. */
export const EMPTY = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK;
export const READ = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

/** Of a request: the mediator, another user on the host, reads it whatever the umask here is. */
export const REQUEST_MODE = 0o644;

/** Whether the umask has taken something away from {@link REQUEST_MODE}. */
export const isCurtailed = ({ mode }: { readonly mode: number }): boolean =>
  (mode & REQUEST_MODE) !== REQUEST_MODE;

/** One byte more than an answer may have, so that a longer one shows. */
export const newReadBuffer = (): Buffer => Buffer.allocUnsafe(MAX_LINE_BYTES + 1);

/** Whether there was nothing to read. NFS: ESTALE for what was removed meanwhile. */
export const isAbsent = (error: unknown): boolean => isErrno(error, 'ENOENT', 'ESTALE');

/** Node sets times as seconds in a double, exact to 240 ns in this century. */
const TIME_ERROR_NS = 2000n;

/** See `Share.isResponseTo`; of what stat(2) tells of both files. */
export const isResponseTo = (
  response: { readonly mtimeNs: bigint },
  request: { readonly ctimeNs: bigint },
): boolean => response.mtimeNs + TIME_ERROR_NS >= request.ctimeNs;

/** What removing gives where there is nothing to remove. */
export function falseIfAbsent(error: unknown): false {
  if (isErrno(error, 'ENOENT')) return false;
  throw error;
}
