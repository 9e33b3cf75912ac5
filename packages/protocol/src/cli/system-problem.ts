/** A problem of the process that can come up anywhere in a program, with its remedy. */
export interface SystemProblem {
  readonly code: 'NO_CURRENT_DIRECTORY' | 'TOO_MANY_FILES';
  readonly message: string;
}

/** The problem behind an error of Node.js; undefined for all other errors. */
export function systemProblem(error: unknown): SystemProblem | undefined {
  if (!(error instanceof Error)) return undefined;
  const {
    code,
    syscall,
    message,
  }: Error & { readonly code?: unknown; readonly syscall?: unknown } = error;
  if (syscall === 'uv_cwd') {
    return {
      code: 'NO_CURRENT_DIRECTORY',
      message: 'the current directory was removed; change to another one',
    };
  }
  if (code === 'EMFILE' || code === 'ENFILE') {
    return {
      code: 'TOO_MANY_FILES',
      message: `${message}; raise the limit of open files (ulimit -n)`,
    };
  }
  return undefined;
}
