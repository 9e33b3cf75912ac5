/** What can go wrong in this package, for programs; stable. */
export type LinuxErrorCode =
  /** A package is not installed where its files are looked for. */
  | 'FILES_NOT_FOUND'
  /** No addon of a package loads here. */
  | 'ADDON_UNAVAILABLE';

/**
 * The one class of errors of this package, besides those of system calls: the message says what was
 * expected, what was tried and what to do.
 */
export class LinuxError extends Error {
  /** `'LinuxError'`. */
  override readonly name = 'LinuxError';
  /** What went wrong, for programs; stable. */
  readonly code: LinuxErrorCode;

  /**
   * @param code What went wrong.
   * @param message For people: what was expected, what was tried and what to do.
   * @param options `cause`: the error behind it.
   */
  constructor(code: LinuxErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The first line of the message of what was thrown. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1).join();
}
