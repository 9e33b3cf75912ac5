import { MediatorError } from '../../mediator-error.js';
import type { CliContext } from './command.js';

/** Whether a running mediator has applied a change of the registry; the value of `mediator` in JSON. */
export type ApplyResult = 'applied' | 'not-running';

/**
 * Has the running mediator, if there is one, apply a change of the registry, and waits for that.
 *
 * @throws MediatorError if it did not confirm the change, which is on disk.
 */
export async function applyToRunning(stateDir: string): Promise<ApplyResult> {
  const { reloadMediator } = await import('../../control/reload-mediator.js');
  try {
    return (await reloadMediator(stateDir)) ? 'applied' : 'not-running';
  } catch (error) {
    if (!(error instanceof MediatorError)) throw error;
    throw new MediatorError(error.code, `the change is saved, but ${error.message}`, {
      cause: error.cause,
    });
  }
}

/** Tells the user the result. */
export function noteApplied(result: ApplyResult, { note }: CliContext): void {
  note(
    result === 'applied'
      ? 'applied to the running mediator'
      : 'no mediator is running; the change takes effect at the next start',
  );
}
