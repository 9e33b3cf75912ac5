/** Why a mediator cannot run, or a command cannot be done. Codes are stable. */
export type MediatorErrorCode =
  /** A flag is unknown or has an invalid value. */
  | 'USAGE'
  /** The root cannot be created or read. */
  | 'ROOT_UNUSABLE'
  /** The state directory cannot be created or written. */
  | 'STATE_DIR_UNUSABLE'
  /** The registry cannot be read or parsed, or a new entry is invalid. */
  | 'INVALID_REGISTRY'
  /** The directory of a VM cannot be created or given to its group. */
  | 'VM_DIRECTORY_UNUSABLE'
  /** The VM to add is already registered. */
  | 'ALREADY_REGISTERED'
  /** The VM is not registered. */
  | 'NOT_REGISTERED'
  /** Another mediator uses the same state directory. */
  | 'ALREADY_RUNNING'
  /** No mediator is running with this state directory. */
  | 'NOT_RUNNING'
  /** The running mediator did not respond to a command, or its response is invalid. */
  | 'NO_RESPONSE'
  /** With `--once`: a request or a VM directory could not be processed. */
  | 'INCOMPLETE'
  /** The HTTP server cannot listen at its endpoint. */
  | 'HTTP_UNUSABLE'
  /** The current directory was removed. */
  | 'NO_CURRENT_DIRECTORY'
  /** The limit of open files is too low. */
  | 'TOO_MANY_FILES'
  /** The service cannot be installed or removed. */
  | 'SERVICE_UNUSABLE'
  /** A setting in the environment or the config file is unknown or invalid. */
  | 'INVALID_CONFIG';

/**
 * An error that keeps a mediator from running, or a command from being done. Errors of single
 * requests are responses.
 */
export class MediatorError extends Error {
  /** Always `'MediatorError'`. */
  override readonly name = 'MediatorError';
  /** The kind of error, for programs; stable. */
  readonly code: MediatorErrorCode;

  /**
   * @param code The kind of error.
   * @param message For people: what failed and what to do. It becomes one line: line ends and
   *   invisible characters, such as in a path, are escaped.
   * @param options `cause`: the underlying error.
   */
  constructor(code: MediatorErrorCode, message: string, options?: ErrorOptions) {
    super(inOneLine(message), options);
    this.code = code;
  }
}

/** Writes control characters, invisible characters and line ends as escapes of JavaScript. */
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
    `cannot use ${path} as the state directory: ${reason}; choose another with --state-dir`,
    { cause },
  );
}

export function unusableRoot(root: string, cause: unknown): MediatorError {
  const reason = (cause as Error).message;
  return new MediatorError(
    'ROOT_UNUSABLE',
    `cannot use ${root} as the root: ${reason}; choose another with --root`,
    { cause },
  );
}
