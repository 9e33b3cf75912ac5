/**
 * Identifies an error, for programs. Codes are stable; messages may change.
 *
 * - `DEVICE_CLOSED`: the call came after `close()`.
 * - `LENGTH_MISMATCH`: the two vectors have different lengths.
 * - `OUT_OF_RANGE`: an operand is not an int32 integer, or not an `Int32Array` where one is needed.
 * - `BACKEND_UNAVAILABLE`: this machine or this installation can't offer the backend.
 * - `NO_SUCH_DEVICE`: the backend works, but has no device with this index.
 * - `OPERANDS_CHANGED`: an array was detached or resized while the call was in flight.
 * - `OUT_OF_MEMORY`: there is no memory for the result.
 * - `DEVICE_LOST`: the process of an isolated device has ended.
 * - `INVALID_OPTION`: an option or a length has a value that it can't have.
 * - `CUDA_ERROR_...`: a call of the CUDA driver failed; the name is the driver's, and the error is a
 *   `CudaError`.
 */
export type DeviceErrorCode =
  | 'DEVICE_CLOSED'
  | 'LENGTH_MISMATCH'
  | 'OUT_OF_RANGE'
  | 'BACKEND_UNAVAILABLE'
  | 'NO_SUCH_DEVICE'
  | 'OPERANDS_CHANGED'
  | 'OUT_OF_MEMORY'
  | 'DEVICE_LOST'
  | 'INVALID_OPTION'
  | `CUDA_ERROR_${string}`;

/**
 * The error of this package. Its message says what was expected, what was received and what to do;
 * `cause` is the error that caused it, if any.
 */
export class DeviceError extends Error {
  /** The name of the class: `'DeviceError'`, or `'CudaError'` for one of that. */
  override name = 'DeviceError';
  /** Identifies the error, for programs; stable. */
  readonly code: DeviceErrorCode;
  /**
   * True if the device can't be used any more through this `VectorAdder`: every later call rejects,
   * too. Close it and reopen the device with `isolated`, since after a fault the driver does not let
   * the process use the device any more. False if only the call failed.
   */
  readonly isDeviceLost: boolean;

  /**
   * @param code Identifies the error.
   * @param message For people: what was expected, what was received, and what to do.
   * @param options `cause`: the error that caused it.
   */
  constructor(code: DeviceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.isDeviceLost = code === 'DEVICE_LOST';
  }
}

/** The error of a call whose arrays have changed since it was made. */
export function operandsChanged(): DeviceError {
  return new DeviceError(
    'OPERANDS_CHANGED',
    'expected arrays that keep their length until the promise settles, but one was detached or resized: transfer it later',
  );
}
