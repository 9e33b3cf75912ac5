import { resolveOptions, stateDirOf } from '../config.js';
import { type Flags, LOCATION, type CliContext } from './command.js';

/** The directories that identify a mediator. */
export interface Location {
  readonly root: string;
  readonly stateDir: string;
}

/** @throws MediatorError `USAGE` or `INVALID_CONFIG`. */
export function locationOf(
  flags: Flags,
  { environment }: Pick<CliContext, 'environment'>,
): Location {
  // A command may have an option of its own with the name of one of serve.
  const own = Object.fromEntries(Object.keys(LOCATION).map((name) => [name, flags[name]]));
  const options = resolveOptions({ flags: own, environment });
  return { root: options.root, stateDir: stateDirOf(options) };
}
