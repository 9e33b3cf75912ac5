import { DeviceError } from '@vgpu/cuda-binding';
import { ExitCode } from '@vgpu/protocol';
import { systemProblem } from '@vgpu/protocol/cli';
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
  NO_RESPONSE: ExitCode.TRY_AGAIN,
  ROOT_UNUSABLE: ExitCode.CANT_CREATE,
  STATE_DIR_UNUSABLE: ExitCode.CANT_CREATE,
  VM_DIRECTORY_UNUSABLE: ExitCode.CANT_CREATE,
  ALREADY_REGISTERED: ExitCode.REJECTED,
  NOT_REGISTERED: ExitCode.REJECTED,
  NO_CURRENT_DIRECTORY: ExitCode.UNAVAILABLE,
  TOO_MANY_FILES: ExitCode.CANT_CREATE,
};

/** Replaces an error of Node.js that can come up anywhere in the program by one with a remedy. */
export function explained(error: unknown): unknown {
  const problem = error instanceof MediatorError ? undefined : systemProblem(error);
  return problem === undefined
    ? error
    : new MediatorError(problem.code, problem.message, { cause: error });
}

/** The exit status for the error that ended the program. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof DeviceError) return ExitCode.UNAVAILABLE;
  if (!(error instanceof MediatorError)) return ExitCode.INTERNAL;
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  const isForbidden = cause?.code === 'EACCES' || cause?.code === 'EPERM';
  return isForbidden ? ExitCode.NO_PERMISSION : EXIT_CODES[error.code];
}

/**
 * The message of an error that ends the program: a line for people, or of JSON, as in the client.
 * An internal error is shown to people with its stack.
 */
export function errorText(error: unknown, asJson: boolean): string {
  const isKnown = error instanceof MediatorError || error instanceof DeviceError;
  const message = error instanceof Error ? error.message : String(error);
  if (asJson) {
    return JSON.stringify({ error: { code: isKnown ? error.code : 'INTERNAL', message } });
  }
  const stack = error instanceof Error ? error.stack : undefined;
  return `vgpu-mediator: ${isKnown ? message : (stack ?? message)}`;
}
