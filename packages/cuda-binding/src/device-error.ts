/**
 * What went wrong, for programs. Codes are stable: messages may change, codes don't.
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
 * `cause` holds the error behind it, where there is one.
 */
export class DeviceError extends Error {
  /** The name of the class: `'DeviceError'`, or `'CudaError'` for one of that. */
  override name = 'DeviceError';
  /** What went wrong, for programs; stable. */
  readonly code: DeviceErrorCode;
  /**
   * True if the device can't be used any more through this `VectorAdder`: every later call rejects,
   * too. Close it and open the device anew, `isolated`, since the driver lets a process use a device
   * no more after a fault. False if the call failed alone.
   */
  readonly isDeviceLost: boolean;

  /**
   * @param code What went wrong.
   * @param message For people: what was expected, what came instead, and what to do.
   * @param options `cause`: the error behind it.
   */
  constructor(code: DeviceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.isDeviceLost = code === 'DEVICE_LOST';
  }
}

/** Why a call can't be finished that was in order when it was made. */
export function operandsChanged(): DeviceError {
  return new DeviceError(
    'OPERANDS_CHANGED',
    'expected arrays that keep their length until the promise settles, but one was detached or resized: transfer it later',
  );
}
