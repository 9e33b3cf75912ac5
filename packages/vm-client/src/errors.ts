import { type ErrorCode, ExitCode, ProtocolError } from '@vgpu/protocol';

/**
 * Why a call failed without an answer from the mediator. Codes are stable.
 *
 * @useDeclaredType
 */
export type FailureCode = keyof typeof EXIT_OF_FAILURE;

/** Every code that a {@link VgpuError} can have. */
export type VgpuErrorCode = FailureCode | ErrorCode;

/** Exit statuses of what is found out here. */
const EXIT_OF_FAILURE = {
  /** The command line is not understood. */
  USAGE: ExitCode.USAGE,
  /** An option has a value that it can't have. */
  INVALID_OPTION: ExitCode.USAGE,
  /** An operand is no decimal number, or no Int32Array. Nothing was sent. */
  BAD_REQUEST: ExitCode.USAGE,
  /** An operand is no int32. Nothing was sent. */
  OUT_OF_RANGE: ExitCode.USAGE,
  /** The vectors differ in length. Nothing was sent. */
  LENGTH_MISMATCH: ExitCode.USAGE,
  /** The request would be longer than 64 KiB. Nothing was sent. */
  TOO_LARGE: ExitCode.USAGE,
  /** The environment holds a value that can't be used. */
  BAD_ENVIRONMENT: ExitCode.CONFIG,
  /** A register holds no pool, priority or VM. */
  BAD_REGISTERS: ExitCode.CONFIG,
  /** Nothing says which VM this is, or its device can't be read. */
  NO_IDENTITY: ExitCode.UNAVAILABLE,
  /** The VM's directory is not there, or can't be reached. */
  SHARE_UNAVAILABLE: ExitCode.UNAVAILABLE,
  /** The VM's directory may not be read or written, or its device not read. */
  NO_PERMISSION: ExitCode.NO_PERMISSION,
  /** The request could not be created: disk full, quota, read-only. */
  CANNOT_CREATE: ExitCode.CANT_CREATE,
  /** The plain slot holds a request of somebody else. */
  SLOT_BUSY: ExitCode.TRY_AGAIN,
  /** No answer within the call's time. */
  TIMEOUT: ExitCode.TRY_AGAIN,
  /** The caller's signal was aborted. */
  ABORTED: ExitCode.TRY_AGAIN,
  /** The client was closed. */
  CLOSED: ExitCode.INTERNAL,
  /** What stood in the answer's place is no answer to this request. */
  BAD_ANSWER: ExitCode.INTERNAL,
} as const;

/** Exit statuses of what a mediator answers instead of a sum. */
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

/** What to do about a rejection whose text alone does not say it. */
const REMEDY: Partial<Record<ErrorCode, string>> = {
  VM_MISMATCH: 'use the id of the VM that this share belongs to',
  UNKNOWN_VM: "ask the host's administrator to register this VM",
  SUSPENDED: "ask the host's administrator to resume this VM",
  RATE_LIMITED: 'send less often',
  DEVICE_FAILED: 'try again, and if it stays so ask for the log of the mediator',
  DEADLINE: 'try again, with shorter vectors if it stays so',
};

/**
 * The one class of errors of this package: `code` is stable, the message says what failed, on what,
 * and what to do, and `cause` is the error or the abort reason behind it.
 */
export class VgpuError extends Error {
  /** `'AbortError'` for the code `ABORTED`, else `'VgpuError'`. */
  override readonly name: string;
  /** What went wrong, for programs; stable. */
  readonly code: VgpuErrorCode;

  /**
   * @param code What went wrong.
   * @param message For people: what failed, on what, and what to do.
   * @param options `cause`: the error behind it.
   */
  constructor(code: VgpuErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // As in Node's own interfaces, so that callers need not know whose call they aborted.
    this.name = code === 'ABORTED' ? 'AbortError' : 'VgpuError';
  }
}

/** The mediator answered `ERROR:<CODE>:<text>`. */
export class RequestRejectedError extends VgpuError {
  /** The code that the mediator answered. */
  declare readonly code: ErrorCode;
  /** The mediator's own words: one line of printable ASCII. */
  readonly text: string;

  /**
   * @param code As the mediator answered it.
   * @param text The mediator's own words.
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
 * Runs a codec; what it refuses becomes an error of this package with the same code.
 *
 * @param what Says what was being read, to go before the codec's own message; nothing if that says
 *   enough.
 */
export function translateRefusal<T>(what: string | undefined, codec: () => T): T {
  try {
    return codec();
  } catch (cause) {
    if (!(cause instanceof ProtocolError) || cause.code === 'BAD_NAME') throw cause;
    const message = what === undefined ? cause.message : `${what}: ${cause.message}`;
    throw new VgpuError(cause.code, message, { cause });
  }
}

/**
 * The exit status of `vgpu-vm-client` for an error; 70 for one that is no {@link VgpuError}.
 *
 * @param error Whatever was thrown.
 */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof RequestRejectedError) return EXIT_OF_REJECTION[error.code];
  if (!(error instanceof VgpuError)) return ExitCode.INTERNAL;
  return error.code in EXIT_OF_FAILURE
    ? EXIT_OF_FAILURE[error.code as FailureCode]
    : ExitCode.INTERNAL;
}
