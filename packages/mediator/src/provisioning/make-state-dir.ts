import { makeDirectory } from '../state/directories.js';
import { unusableStateDir } from '../mediator-error.js';
import { errnoOf } from '@vgpu/linux';

/** Creates the state directory if there is none. @throws MediatorError `STATE_DIR_UNUSABLE`. */
export function makeStateDir(path: string): void {
  try {
    makeDirectory(path, 0o700);
  } catch (cause) {
    if (errnoOf(cause) === undefined) throw cause;
    throw unusableStateDir(path, cause);
  }
}
