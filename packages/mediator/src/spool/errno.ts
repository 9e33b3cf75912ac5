/** The `code` of a failed system call (`ENOENT`, ...); undefined for every other error. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
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
