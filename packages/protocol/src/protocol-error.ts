import type { ErrorCode } from './error-codes.js';

/** Why something was rejected: one of the answers' codes, or what else could not be read. */
export type ProtocolErrorCode = ErrorCode | 'BAD_ANSWER' | 'BAD_REGISTERS' | 'BAD_NAME';

/** Which part was rejected, what would have been accepted there, and what stood there instead. */
export interface Rejection {
  readonly code: ProtocolErrorCode;
  readonly field: string;
  readonly expected: string;
  /** Escaped and cut: fit for a log line, an answer or a terminal. */
  readonly received: string;
}

/** Thrown by every `decode...` and `encode...` function of this package. */
export class ProtocolError extends Error implements Rejection {
  override readonly name = 'ProtocolError';
  readonly code: ProtocolErrorCode;
  readonly field: string;
  readonly expected: string;
  readonly received: string;

  constructor({ code, field, expected, received }: Rejection) {
    super(`${field}: expected ${expected}, got ${received}`);
    this.code = code;
    this.field = field;
    this.expected = expected;
    this.received = received;
  }
}
