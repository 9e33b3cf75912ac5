import * as z from 'zod/mini';

/**
 * The codes of a mediator's response without a sum, `ERROR:<CODE>:<text>`. Codes are stable: none changes
 * its meaning, and a new one is a new minor version.
 *
 * @useDeclaredType
 */
export const ErrorCode = z.enum([
  /** The line is not a request: the text names the field, the expected and the received value. */
  'BAD_REQUEST',
  /** The request is longer than {@link MAX_LINE_BYTES}. */
  'TOO_LARGE',
  /** An operand is a decimal number, but not an int32. */
  'OUT_OF_RANGE',
  /** The two lists of operands differ in length. */
  'LENGTH_MISMATCH',
  /** The line names another VM than the owner of the directory. */
  'VM_MISMATCH',
  /** The host serves registered VMs only, and this one is not registered. */
  'UNKNOWN_VM',
  /** The host's administrator has suspended this VM. */
  'SUSPENDED',
  /** The VM sends faster than it may; the text says when to retry. */
  'RATE_LIMITED',
  /** The device could not compute the sum. */
  'DEVICE_FAILED',
  /** The device did not finish within the execution limit. */
  'DEADLINE',
]);
export type ErrorCode = z.infer<typeof ErrorCode>;
