import { resolveOptions, stateDirOf } from '../config.js';
import { type Flags, LOCATION, type Surroundings } from './command.js';

/** The mediator that is meant. */
export interface Location {
  readonly root: string;
  readonly stateDir: string;
}

/** @throws MediatorError `USAGE` or `INVALID_CONFIG`. */
export function locationOf(
  flags: Flags,
  { environment }: Pick<Surroundings, 'environment'>,
): Location {
  // A command may have another option of the same name as one of serve.
  const own = Object.fromEntries(Object.keys(LOCATION).map((name) => [name, flags[name]]));
  const options = resolveOptions({ flags: own, environment });
  return { root: options.root, stateDir: stateDirOf(options) };
}
