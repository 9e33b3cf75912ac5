import { MediatorError } from '../mediator-error.js';
import { ask } from './control-client.js';
import { ReloadResult } from './messages.js';

/**
 * Has the mediator that uses a state directory reload the registry; resolves when it has applied it.
 *
 * @param stateDir The mediator's own directory.
 * @returns false if none is running.
 * @throws MediatorError `NO_RESPONSE`, `INVALID_REGISTRY` or `STATE_DIR_UNUSABLE` if it did not confirm
 *   that.
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
