import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { printable } from '@vgpu/protocol';
import { MediatorError, type MediatorErrorCode } from '../mediator-error.js';
import { Options, OPTION_NAMES, type OptionName } from './options.js';

/** Where options come from, in the order in which they count. */
export interface ConfigSources {
  /** Flags that were given, by their names without dashes; also `config`, the file's path. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

interface Source {
  readonly code: MediatorErrorCode;
  readonly describe: (option: OptionName) => string;
  readonly valueOf: (option: OptionName) => unknown;
}

/**
 * Options from flags, environment, config file and defaults; the first that has one decides.
 *
 * @throws MediatorError `USAGE` for a flag, `INVALID_CONFIG` for the environment or the file.
 */
export function resolveOptions({ flags, environment }: ConfigSources): Options {
  const flag = flags['config'];
  const path = typeof flag === 'string' ? flag : environment['VGPU_CONFIG'];
  const file = path === undefined ? {} : readConfig(path);
  const sources: Source[] = [
    { code: 'USAGE', describe: (option) => `--${option}`, valueOf: (option) => flags[option] },
    {
      code: 'INVALID_CONFIG',
      describe: (option) => `${variableOf(option)} in the environment`,
      // As if it were not set, like in most programs.
      valueOf: (option) => nonEmpty(environment[variableOf(option)]),
    },
    {
      code: 'INVALID_CONFIG',
      describe: (option) => `"${option}" in ${path ?? ''}`,
      valueOf: (option) => file[option],
    },
  ];
  return Options.parse(
    Object.fromEntries(
      OPTION_NAMES.map((option) => {
        const source = sources.find(({ valueOf }) => valueOf(option) !== undefined);
        return [option, source && check(option, source)];
      }),
    ),
  );
}

/** The root's sibling, unless another directory was chosen. */
export function stateDirOf(options: Options): string {
  return options['state-dir'] ?? `${resolve(options.root)}-state`;
}

function variableOf(option: OptionName): string {
  return `VGPU_${option.toUpperCase().replaceAll('-', '_')}`;
}

function check(option: OptionName, { code, describe, valueOf }: Source): unknown {
  const value = valueOf(option);
  const result = Options.shape[option].safeParse(value);
  if (result.success) return value;
  const expected = result.error.issues[0]?.message ?? 'another value';
  const shown = typeof value === 'string' ? printable(value) : JSON.stringify(value);
  // What is almost right is not to stand in a log.
  const received = option === 'http-token' ? 'something else' : shown;
  throw new MediatorError(code, `${describe(option)}: expected ${expected}, got ${received}`);
}

function readConfig(path: string): Readonly<Record<string, unknown>> {
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw invalidConfig(path, `cannot be read: ${(error as Error).message}`, error);
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw invalidConfig(path, 'must be one JSON object');
  }
  for (const key of Object.keys(config)) {
    if (!OPTION_NAMES.includes(key as OptionName)) {
      throw invalidConfig(
        path,
        `has the unknown key ${printable(key)}; known are ${OPTION_NAMES.join(', ')}`,
      );
    }
  }
  return config as Record<string, unknown>;
}

function invalidConfig(path: string, what: string, cause?: unknown): MediatorError {
  return new MediatorError('INVALID_CONFIG', `the config file ${path} ${what}`, { cause });
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
