import { readdirSync } from 'node:fs';
import { isWithin, makeDirectory } from './directories.js';
import type { Logger } from '../telemetry/logger.js';
import { MediatorError, unusableRoot } from '../mediator-error.js';

/**
 * Creates the root directory if there is none, and makes sure that it can be read.
 *
 * @throws MediatorError `ROOT_UNUSABLE`.
 */
export function makeRoot(root: string, logger?: Logger): void {
  try {
    if (makeDirectory(root, 0o755)) logger?.info('created the root directory', { root });
    readdirSync(root);
  } catch (error) {
    throw unusableRoot(root, error);
  }
}

/**
 * Makes sure that guests cannot reach the state directory, where they could say who they are.
 *
 * @throws MediatorError `INVALID_CONFIG` or `ROOT_UNUSABLE`.
 */
export function requireElsewhere(stateDir: string, root: string): void {
  let isReachable: boolean;
  try {
    isReachable = isWithin(stateDir, root);
  } catch (error) {
    throw unusableRoot(root, error);
  }
  if (!isReachable) return;
  throw new MediatorError(
    'INVALID_CONFIG',
    `the state directory ${stateDir} is within the root ${root}, where virtual machines may reach ` +
      'it; give another with --state-dir',
  );
}
