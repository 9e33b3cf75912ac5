import { MediatorError } from '../../mediator-error.js';
import type { Surroundings } from './command.js';

/** Whether a mediator obeys to a change of the registry; the value of `mediator` in JSON. */
export type Obedience = 'obeys' | 'not running';

/**
 * Tells the mediator that is running, if one is, of a change of the registry, and waits until it obeys.
 *
 * @throws MediatorError: it does not obey yet; the change is on disk.
 */
export async function obedience(stateDir: string): Promise<Obedience> {
  const { reloadMediator } = await import('../../control/reload-mediator.js');
  try {
    return (await reloadMediator(stateDir)) ? 'obeys' : 'not running';
  } catch (error) {
    if (!(error instanceof MediatorError)) throw error;
    throw new MediatorError(error.code, `the registry is changed, but ${error.message}`, {
      cause: error.cause,
    });
  }
}

export function noteObedience(obedience: Obedience, { note }: Surroundings): void {
  note(
    obedience === 'obeys'
      ? 'the mediator that is running obeys'
      : 'no mediator is running; the next one will obey',
  );
}
