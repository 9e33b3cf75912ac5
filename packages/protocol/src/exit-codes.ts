/** Exit statuses of both command lines, after sysexits(3). */
export const ExitCode = {
  /** The command has succeeded. */
  OK: 0,
  /** `doctor` has findings. */
  FINDINGS: 1,
  /** The command was used incorrectly, or an operand is out of range. */
  USAGE: 64,
  /** The mediator rejected the request. */
  REJECTED: 65,
  /** No mediator, no device, or no share. */
  UNAVAILABLE: 69,
  /** A defect of the program. */
  INTERNAL: 70,
  /** A file could not be created. */
  CANT_CREATE: 73,
  /** No response in time, or rate limited: retry. */
  TRY_AGAIN: 75,
  /** A file or a device may not be read or written. */
  NO_PERMISSION: 77,
  /** The configuration, or a VM's register block, is invalid. */
  CONFIG: 78,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
