/** Why there is no mediator, or why a command was not done. Codes are stable. */
export type MediatorErrorCode =
  /** A flag is unknown or has no acceptable value. */
  | 'USAGE'
  /** The root cannot be created or read. */
  | 'ROOT_UNUSABLE'
  /** The state directory cannot be created or written. */
  | 'STATE_DIR_UNUSABLE'
  /** The registry cannot be read or understood, or what was to be put into it is invalid. */
  | 'INVALID_REGISTRY'
  /** The directory of a VM cannot be created, or not be given to its group. */
  | 'VM_DIRECTORY_UNUSABLE'
  /** A VM that was to be added is registered already. */
  | 'ALREADY_REGISTERED'
  /** A VM that was asked for is not registered. */
  | 'NOT_REGISTERED'
  /** Another mediator uses the same state directory. */
  | 'ALREADY_RUNNING'
  /** No mediator listens to commands in this state directory. */
  | 'NOT_RUNNING'
  /** The mediator that is running does not answer a command, or not in words that can be understood. */
  | 'NO_ANSWER'
  /** With `--once`: something on disk could not be served. */
  | 'INCOMPLETE'
  /** The HTTP server cannot listen where it is to. */
  | 'HTTP_UNUSABLE'
  /** The service cannot be installed, or not be removed. */
  | 'SERVICE_UNUSABLE'
  /** A setting in the environment or the config file is unknown or has no acceptable value. */
  | 'INVALID_CONFIG';

/**
 * What keeps a mediator from running, or a command from being done. What goes wrong with one request is
 * answered, not thrown.
 */
export class MediatorError extends Error {
  /** Always `'MediatorError'`. */
  override readonly name = 'MediatorError';
  /** What went wrong, for programs; stable. */
  readonly code: MediatorErrorCode;

  /**
   * @param code What went wrong.
   * @param message For people: what failed and what to do. It becomes one line: what would break it, or
   *   show as nothing, such as in a path, is escaped.
   * @param options `cause`: the error behind it.
   */
  constructor(code: MediatorErrorCode, message: string, options?: ErrorOptions) {
    super(inOneLine(message), options);
    this.code = code;
  }
}

/** Controls, invisible characters and other ends of lines as escapes of JavaScript. */
function inOneLine(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

export function unusableStateDir(path: string, cause: unknown): MediatorError {
  const reason = (cause as Error).message;
  return new MediatorError(
    'STATE_DIR_UNUSABLE',
    `cannot use ${path} as the state directory: ${reason}; give another with --state-dir`,
    { cause },
  );
}

export function unusableRoot(root: string, cause: unknown): MediatorError {
  const reason = (cause as Error).message;
  return new MediatorError(
    'ROOT_UNUSABLE',
    `cannot use ${root} as the root: ${reason}; give another with --root`,
    { cause },
  );
}
