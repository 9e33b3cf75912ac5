import { MediatorError } from '../mediator-error.js';
import { ask } from './control-client.js';
import { ReloadResult } from './messages.js';

/**
 * Has the mediator that uses a state directory, if one does, read the registry again; resolves when it
 * obeys.
 *
 * @param stateDir The mediator's own directory.
 * @returns false if none is running.
 * @throws MediatorError `NO_ANSWER`, `INVALID_REGISTRY` or `STATE_DIR_UNUSABLE`: it does not obey yet.
 */
export async function reloadMediator(stateDir: string): Promise<boolean> {
  try {
    await ask(stateDir, { command: 'reload' }, ReloadResult);
    return true;
  } catch (error) {
    if (error instanceof MediatorError && error.code === 'NOT_RUNNING') return false;
    throw error;
  }
}
