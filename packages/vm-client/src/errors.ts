import { type ErrorCode, ExitCode, ProtocolError } from '@vgpu/protocol';

/**
 * Why a call failed without a response of the mediator. Codes are stable.
 *
 * @useDeclaredType
 */
export type FailureCode = keyof typeof EXIT_OF_FAILURE;

/** Every code that a {@link VgpuError} can have. */
export type VgpuErrorCode = FailureCode | ErrorCode;

/** Exit statuses of the errors that the client itself finds. */
const EXIT_OF_FAILURE = {
  /** The command line is invalid. */
  USAGE: ExitCode.USAGE,
  /** An option has an invalid value. */
  INVALID_OPTION: ExitCode.USAGE,
  /** An operand is not a decimal number or Int32Array. Nothing was sent. */
  BAD_REQUEST: ExitCode.USAGE,
  /** An operand is outside the range of int32. Nothing was sent. */
  OUT_OF_RANGE: ExitCode.USAGE,
  /** The vectors differ in length. Nothing was sent. */
  LENGTH_MISMATCH: ExitCode.USAGE,
  /** The request would be longer than 64 KiB. Nothing was sent. */
  TOO_LARGE: ExitCode.USAGE,
  /** A variable of the environment has an invalid value. */
  BAD_ENVIRONMENT: ExitCode.CONFIG,
  /** A register holds no valid pool, priority or VM. */
  BAD_REGISTERS: ExitCode.CONFIG,
  /** No source names the VM, or its device cannot be read. */
  NO_IDENTITY: ExitCode.UNAVAILABLE,
  /** The VM's directory does not exist, or cannot be reached. */
  SHARE_UNAVAILABLE: ExitCode.UNAVAILABLE,
  /** No permission to read or write the VM's directory, or to read its device. */
  NO_PERMISSION: ExitCode.NO_PERMISSION,
  /** The request could not be created: disk full, quota, read-only. */
  CANNOT_CREATE: ExitCode.CANT_CREATE,
  /** The plain slot holds another client's request. */
  SLOT_BUSY: ExitCode.TRY_AGAIN,
  /** No response within the call's time. */
  TIMEOUT: ExitCode.TRY_AGAIN,
  /** The caller's signal was aborted. */
  ABORTED: ExitCode.TRY_AGAIN,
  /** The current directory was removed. */
  NO_CURRENT_DIRECTORY: ExitCode.UNAVAILABLE,
  /** The limit of open files is too low for the program. */
  TOO_MANY_FILES: ExitCode.CANT_CREATE,
  /** The client was closed. */
  CLOSED: ExitCode.INTERNAL,
  /** The response file holds no response to this request. */
  BAD_RESPONSE: ExitCode.INTERNAL,
} as const;

/** Exit statuses of the rejections by a mediator. */
const EXIT_OF_REJECTION: Record<ErrorCode, ExitCode> = {
  BAD_REQUEST: ExitCode.REJECTED,
  TOO_LARGE: ExitCode.REJECTED,
  OUT_OF_RANGE: ExitCode.REJECTED,
  LENGTH_MISMATCH: ExitCode.REJECTED,
  VM_MISMATCH: ExitCode.REJECTED,
  UNKNOWN_VM: ExitCode.REJECTED,
  SUSPENDED: ExitCode.REJECTED,
  RATE_LIMITED: ExitCode.TRY_AGAIN,
  DEVICE_FAILED: ExitCode.UNAVAILABLE,
  DEADLINE: ExitCode.TRY_AGAIN,
};

/** Remedies for rejections whose texts have none. */
const REMEDY: Partial<Record<ErrorCode, string>> = {
  VM_MISMATCH: 'use the id of the VM that this share belongs to',
  UNKNOWN_VM: "ask the host's administrator to register this VM",
  SUSPENDED: "ask the host's administrator to resume this VM",
  RATE_LIMITED: 'send requests less often',
  DEVICE_FAILED:
    "try again; if it keeps failing, ask the host's administrator for the mediator's log",
  DEADLINE: 'try again, if needed with shorter vectors',
};

/**
 * The error class of this package: `code` is stable, the message says what failed, on what, and
 * what to do, and `cause` is the underlying error or abort reason.
 */
export class VgpuError extends Error {
  /** `'AbortError'` for the code `ABORTED`, else `'VgpuError'`. */
  override readonly name: string;
  /** What went wrong, for programs; stable. */
  readonly code: VgpuErrorCode;

  /**
   * @param code What went wrong.
   * @param message For people: what failed, on what, and what to do.
   * @param options `cause`: the underlying error.
   */
  constructor(code: VgpuErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // As in Node's own interfaces, so that callers can treat all aborted calls alike.
    this.name = code === 'ABORTED' ? 'AbortError' : 'VgpuError';
  }
}

/** The response of the mediator is `ERROR:<CODE>:<text>`. */
export class RequestRejectedError extends VgpuError {
  /** The code in the response. */
  declare readonly code: ErrorCode;
  /** The text in the response: one line of printable ASCII. */
  readonly text: string;

  /**
   * @param code The code in the response.
   * @param text The text in the response.
   */
  constructor(code: ErrorCode, text: string) {
    const remedy = REMEDY[code];
    super(
      code,
      `the mediator rejected the request: ${code}: ${text}` +
        (remedy === undefined ? '' : `; ${remedy}`),
    );
    this.text = text;
  }
}

/**
 * Runs a codec, and turns its error into one of this package with the same code.
 *
 * @param what Names the input in front of the codec's own message; undefined if that message suffices.
 */
export function translateRefusal<T>(what: string | undefined, codec: () => T): T {
  try {
    return codec();
  } catch (cause) {
    if (!(cause instanceof ProtocolError) || cause.code === 'BAD_NAME') throw cause;
    const message = what === undefined ? cause.message : `${what}: ${cause.message}`;
    const code = cause.code === 'BAD_ANSWER' ? 'BAD_RESPONSE' : cause.code;
    throw new VgpuError(code, message, { cause });
  }
}

/**
 * The exit status of `vgpu-vm-client` for an error; 70 for any error that is not a {@link VgpuError}.
 *
 * @param error The thrown value.
 */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof RequestRejectedError) return EXIT_OF_REJECTION[error.code];
  if (!(error instanceof VgpuError)) return ExitCode.INTERNAL;
  return error.code in EXIT_OF_FAILURE
    ? EXIT_OF_FAILURE[error.code as FailureCode]
    : ExitCode.INTERNAL;
}
