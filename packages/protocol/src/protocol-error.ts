import type { ErrorCode } from './error-codes.js';

/** Why something was rejected: one of the answers' codes, or what else could not be read. */
export type ProtocolErrorCode = ErrorCode | 'BAD_ANSWER' | 'BAD_REGISTERS' | 'BAD_NAME';

/** Which part was rejected, what would have been accepted there, and what stood there instead. */
export interface Rejection {
  /** Why, for programs; stable. */
  readonly code: ProtocolErrorCode;
  /** The part that was rejected, such as `priority`. */
  readonly field: string;
  /** What would have been accepted there, in words. */
  readonly expected: string;
  /** Escaped and cut: fit for a log line, an answer or a terminal. */
  readonly received: string;
}

/** Thrown by every `decode...` and `encode...` function of this package. */
export class ProtocolError extends Error implements Rejection {
  /** Always `'ProtocolError'`. */
  override readonly name = 'ProtocolError';
  /** What went wrong, for programs; stable. */
  readonly code: ProtocolErrorCode;
  readonly field: string;
  readonly expected: string;
  readonly received: string;

  /**
   * @param rejection What the message is made of, and the code.
   */
  constructor({ code, field, expected, received }: Rejection) {
    super(`${field}: expected ${expected}, got ${received}`);
    this.code = code;
    this.field = field;
    this.expected = expected;
    this.received = received;
  }
}
