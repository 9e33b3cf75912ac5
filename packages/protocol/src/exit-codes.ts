/** Exit statuses of both command lines, after sysexits(3). */
export const ExitCode = {
  /** What was asked for has been done. */
  OK: 0,
  /** `doctor` has found something to be done. */
  FINDINGS: 1,
  /** The command was used incorrectly, or an operand is out of range. */
  USAGE: 64,
  /** The mediator rejected the request. */
  REJECTED: 65,
  /** No mediator, no device, or no share. */
  UNAVAILABLE: 69,
  /** A defect of ours. */
  INTERNAL: 70,
  /** A file that had to be created could not be. */
  CANT_CREATE: 73,
  /** No answer in time, or rate limited: try again. */
  TRY_AGAIN: 75,
  /** A file or a device may not be read or written. */
  NO_PERMISSION: 77,
  /** The configuration, or a VM's register block, is invalid. */
  CONFIG: 78,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
