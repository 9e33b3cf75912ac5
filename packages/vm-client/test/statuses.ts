import type { ErrorCode } from '@vgpu/protocol';
import type { FailureCode } from '../src/errors.js';

/** Exit statuses as they are promised, of what the client finds out itself. */
export const STATUS_OF_FAILURE: Record<FailureCode, number> = {
  USAGE: 64,
  INVALID_OPTION: 64,
  BAD_REQUEST: 64,
  OUT_OF_RANGE: 64,
  LENGTH_MISMATCH: 64,
  TOO_LARGE: 64,
  BAD_ENVIRONMENT: 78,
  BAD_REGISTERS: 78,
  NO_IDENTITY: 69,
  SHARE_UNAVAILABLE: 69,
  NO_PERMISSION: 77,
  CANNOT_CREATE: 73,
  SLOT_BUSY: 75,
  TIMEOUT: 75,
  ABORTED: 75,
  NO_CURRENT_DIRECTORY: 69,
  TOO_MANY_FILES: 73,
  CLOSED: 70,
  BAD_RESPONSE: 70,
};

/** The same of what a mediator answers. */
export const STATUS_OF_REJECTION: Record<ErrorCode, number> = {
  BAD_REQUEST: 65,
  TOO_LARGE: 65,
  OUT_OF_RANGE: 65,
  LENGTH_MISMATCH: 65,
  VM_MISMATCH: 65,
  UNKNOWN_VM: 65,
  SUSPENDED: 65,
  RATE_LIMITED: 75,
  DEVICE_FAILED: 69,
  DEADLINE: 75,
};
