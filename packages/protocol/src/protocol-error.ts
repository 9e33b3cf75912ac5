import type { ErrorCode } from './error-codes.js';

/** Why a value was rejected: a code of a response, or the kind of text that could not be decoded. */
export type ProtocolErrorCode = ErrorCode | 'BAD_ANSWER' | 'BAD_REGISTERS' | 'BAD_NAME';

/** The part that was rejected, the values that would have been accepted, and the value found there. */
export interface Rejection {
  /** Why, for programs; stable. */
  readonly code: ProtocolErrorCode;
  /** The part that was rejected, such as `priority`. */
  readonly field: string;
  /** The values that would have been accepted there, in words. */
  readonly expected: string;
  /** The value found there, escaped and cut: fit for a log line, a response or a terminal. */
  readonly received: string;
}

/** Thrown by every `decode...` and `encode...` function of this package. */
export class ProtocolError extends Error implements Rejection {
  /** Always `'ProtocolError'`. */
  override readonly name = 'ProtocolError';
  /** The reason, for programs; stable. */
  readonly code: ProtocolErrorCode;
  readonly field: string;
  readonly expected: string;
  readonly received: string;

  /**
   * @param rejection The code, and the parts of the message.
   */
  constructor({ code, field, expected, received }: Rejection) {
    super(`${field}: expected ${expected}, got ${received}`);
    this.code = code;
    this.field = field;
    this.expected = expected;
    this.received = received;
  }
}
