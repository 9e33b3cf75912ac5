import { errnoOf } from '@vgpu/linux';

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
