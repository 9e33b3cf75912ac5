import * as z from 'zod/mini';

/**
 * What a mediator may answer instead of a sum, as `ERROR:<CODE>:<text>`. Codes are stable: a new
 * one is a new minor version, none changes its meaning.
 *
 * @useDeclaredType
 */
export const ErrorCode = z.enum([
  /** The line is no request: the text names the field, what was expected and what came. */
  'BAD_REQUEST',
  /** The request is longer than {@link MAX_LINE_BYTES}. */
  'TOO_LARGE',
  /** An operand is a decimal number, but no int32. */
  'OUT_OF_RANGE',
  /** The two lists of operands differ in length. */
  'LENGTH_MISMATCH',
  /** The line names another VM than the one whose directory it was found in. */
  'VM_MISMATCH',
  /** The host serves registered VMs only, and this one is not registered. */
  'UNKNOWN_VM',
  /** The host's administrator has suspended this VM. */
  'SUSPENDED',
  /** The VM sends faster than it may; the text says when to try again. */
  'RATE_LIMITED',
  /** The device could not compute the sum. */
  'DEVICE_FAILED',
  /** The device did not finish within the execution limit. */
  'DEADLINE',
]);
export type ErrorCode = z.infer<typeof ErrorCode>;
