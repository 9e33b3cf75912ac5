import { statSync } from 'node:fs';
import { ExitCode } from '@vgpu/protocol';
import { requireProtection } from '../http/endpoint.js';
import { MediatorError } from '../mediator-error.js';
import { Registry } from '../state/registry.js';
import { requireElsewhere } from '../state/directories.js';
import type { Flags, CliContext } from './commands/command.js';
import {
  configFileOf,
  problemsOf,
  resolveOptions,
  stateDirOf,
  type ConfigSources,
} from './config.js';

/**
 * `--check-config`: prints what would keep a mediator with these options from serving, as far as
 * that can be found without devices. Creates and changes nothing.
 */
export function checkConfig(flags: Flags, { environment, print, note }: CliContext): ExitCode {
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
  // Without valid values there are no directories and files to check.
  if (problems.length > 0) return problems;
  const options = resolveOptions(sources);
  const { root, http, 'http-token': token } = options;
  const stateDir = stateDirOf(options);
  return [
    () => {
      if (http !== undefined) requireProtection(http, token);
    },
    () => {
      if (exists(root, 'ROOT_UNUSABLE') && exists(stateDir, 'STATE_DIR_UNUSABLE')) {
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
 * Whether a directory exists; the mediator creates a missing one when it starts.
 *
 * @throws MediatorError with that code if it cannot be used.
 */
function exists(path: string, code: 'ROOT_UNUSABLE' | 'STATE_DIR_UNUSABLE'): boolean {
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
