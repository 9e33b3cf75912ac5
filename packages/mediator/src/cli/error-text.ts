import { DeviceError } from '@vgpu/cuda-binding';
import { MediatorError } from '../mediator-error.js';

/**
 * What is said of an error that ends the program: a line for people, or one of JSON, as the client has it.
 * A defect of ours is shown to people with where it happened.
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
