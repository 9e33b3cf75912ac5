import type { CudaDeviceInfo } from './cuda-device-info.js';
import type { DeviceErrorCode } from './device-error.js';

/** Messages of an `IsolatedDevice` to its process. */
export type ToDevice =
  | { readonly a: number; readonly b: number }
  | { readonly a: Int32Array; readonly b: Int32Array }
  | { readonly close: true };

/** Messages of the process: first `opened` or `error`, then a response to each call, in order. */
export type FromDevice =
  | { readonly opened: CudaDeviceInfo }
  | { readonly sum: number | Int32Array; readonly deviceMs?: number | undefined }
  | { readonly error: SentError };

/** A `DeviceError`, or a `CudaError` if it has an operation. */
export interface SentError {
  readonly code: DeviceErrorCode;
  readonly message: string;
  readonly operation?: string | undefined;
  readonly status?: number | undefined;
}
