import { statSync } from 'node:fs';
import { ExitCode } from '@vgpu/protocol';
import { requireProtection } from '../http/endpoint.js';
import { MediatorError } from '../mediator-error.js';
import { Registry } from '../state/registry.js';
import { requireElsewhere } from '../state/root-directory.js';
import type { Flags, Surroundings } from './commands/command.js';
import {
  configFileOf,
  problemsOf,
  resolveOptions,
  stateDirOf,
  type ConfigSources,
} from './config.js';

/**
 * `--check-config`: says what would keep a mediator with these options from serving, as far as that can
 * be told without devices; makes and changes nothing.
 */
export function checkConfig(flags: Flags, { environment, print, note }: Surroundings): ExitCode {
  const sources = { flags, environment };
  const problems = findProblems(sources).map(({ code, message }) => ({ code, message }));
  const isValid = problems.length === 0;
  if (flags['json'] === true) {
    print(JSON.stringify({ valid: isValid, problems }, null, 2));
  } else if (isValid) {
    const file = configFileOf(sources)?.path;
    print(`the configuration is valid (${file ?? 'no config file'})`);
  } else {
    for (const { message } of problems) note(message);
  }
  return isValid ? ExitCode.OK : ExitCode.CONFIG;
}

function findProblems(sources: ConfigSources): readonly MediatorError[] {
  const problems = problemsOf(sources);
  // What is wrong with the values says nothing about the directories and files that they name.
  if (problems.length > 0) return problems;
  const options = resolveOptions(sources);
  const { root, http, 'http-token': token } = options;
  const stateDir = stateDirOf(options);
  return [
    () => {
      if (http !== undefined) requireProtection(http, token);
    },
    () => {
      if (isThere(root, 'ROOT_UNUSABLE') && isThere(stateDir, 'STATE_DIR_UNUSABLE')) {
        requireElsewhere(stateDir, root);
      }
    },
    () => {
      new Registry(stateDir);
    },
  ]
    .map(problemOf)
    .filter((problem) => problem !== undefined);
}

function problemOf(check: () => void): MediatorError | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof MediatorError) return error;
    throw error;
  }
}

/**
 * Whether a directory is there; one that is not is made by a start.
 *
 * @throws MediatorError with that code: it cannot be used.
 */
function isThere(path: string, code: 'ROOT_UNUSABLE' | 'STATE_DIR_UNUSABLE'): boolean {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined || stats.isDirectory()) return stats !== undefined;
  } catch (error) {
    throw new MediatorError(code, `${path} cannot be used: ${(error as Error).message}`, {
      cause: error,
    });
  }
  throw new MediatorError(code, `${path}: expected a directory, found a file`);
}
