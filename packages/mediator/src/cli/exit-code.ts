import { DeviceError } from '@vgpu/cuda-binding';
import { ExitCode } from '@vgpu/protocol';
import { MediatorError, type MediatorErrorCode } from '../mediator-error.js';

const EXIT_CODES: Record<MediatorErrorCode, ExitCode> = {
  USAGE: ExitCode.USAGE,
  INVALID_CONFIG: ExitCode.CONFIG,
  INVALID_REGISTRY: ExitCode.CONFIG,
  INCOMPLETE: ExitCode.CANT_CREATE,
  ALREADY_RUNNING: ExitCode.UNAVAILABLE,
  HTTP_UNUSABLE: ExitCode.UNAVAILABLE,
  SERVICE_UNUSABLE: ExitCode.UNAVAILABLE,
  NOT_RUNNING: ExitCode.UNAVAILABLE,
  NO_ANSWER: ExitCode.TRY_AGAIN,
  ROOT_UNUSABLE: ExitCode.CANT_CREATE,
  STATE_DIR_UNUSABLE: ExitCode.CANT_CREATE,
  VM_DIRECTORY_UNUSABLE: ExitCode.CANT_CREATE,
  ALREADY_REGISTERED: ExitCode.REJECTED,
  NOT_REGISTERED: ExitCode.REJECTED,
};

/** The exit status for what kept a command from being done. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof DeviceError) return ExitCode.UNAVAILABLE;
  if (!(error instanceof MediatorError)) return ExitCode.INTERNAL;
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  const isForbidden = cause?.code === 'EACCES' || cause?.code === 'EPERM';
  return isForbidden ? ExitCode.NO_PERMISSION : EXIT_CODES[error.code];
}
