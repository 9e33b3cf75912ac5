import { resolve } from 'node:path';
import { printable } from '@vgpu/protocol';
import { readJson } from '../json.js';
import { MediatorError, type MediatorErrorCode } from '../mediator-error.js';
import { Options, OPTION_NAMES, type OptionName } from './options.js';

/** Where options come from, in the order in which they count. */
export interface ConfigSources {
  /** Flags that were given, by their names without dashes; also `config`, the file's path. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Where a value is from: the flag, the variable or the file that has it. */
export interface Origin {
  readonly source: 'flag' | 'environment' | 'file' | 'default';
  /** `--root`, `VGPU_ROOT`, or the path of the file; null for a default. */
  readonly name: string | null;
}

interface Source {
  readonly origin: (option: OptionName) => Origin;
  readonly code: MediatorErrorCode;
  readonly describe: (option: OptionName) => string;
  readonly valueOf: (option: OptionName) => unknown;
}

/** Options before they are parsed. */
interface Given {
  readonly values: Readonly<Partial<Record<OptionName, unknown>>>;
  readonly origins: Readonly<Record<OptionName, Origin>>;
  /** In the order in which they are found: the file as a whole, then each option. */
  readonly problems: readonly MediatorError[];
}

/**
 * Options from flags, environment, config file and defaults; the first that has one decides.
 *
 * @throws MediatorError `USAGE` for a flag, `INVALID_CONFIG` for the environment or the file.
 */
export function resolveOptions(sources: ConfigSources): Options {
  const { values, problems } = gather(sources);
  const [problem] = problems;
  if (problem !== undefined) throw problem;
  return Options.parse(values);
}

/** Everything for which {@link resolveOptions} would refuse these sources. */
export function problemsOf(sources: ConfigSources): readonly MediatorError[] {
  return gather(sources).problems;
}

/** Where each option is from. */
export function originsOf(sources: ConfigSources): Readonly<Record<OptionName, Origin>> {
  return gather(sources).origins;
}

/** The path of the config file, and where that is from; undefined if there is none. */
export function configFileOf({
  flags,
  environment,
}: ConfigSources): { readonly path: string; readonly origin: Origin } | undefined {
  const flag = flags['config'];
  if (typeof flag === 'string') {
    return { path: flag, origin: { source: 'flag', name: '--config' } };
  }
  const path = nonEmpty(environment['VGPU_CONFIG']);
  if (path === undefined) return undefined;
  return { path, origin: { source: 'environment', name: 'VGPU_CONFIG' } };
}

function gather(given: ConfigSources): Given {
  const { flags, environment } = given;
  const path = configFileOf(given)?.path;
  const file = path === undefined ? { entries: {}, problems: [] } : readConfig(path);
  const sources: Source[] = [
    {
      origin: (option) => ({ source: 'flag', name: `--${option}` }),
      code: 'USAGE',
      describe: (option) => `--${option}`,
      valueOf: (option) => flags[option],
    },
    {
      origin: (option) => ({ source: 'environment', name: variableOf(option) }),
      code: 'INVALID_CONFIG',
      describe: (option) => `${variableOf(option)} in the environment`,
      // As if it were not set, like in most programs.
      valueOf: (option) => nonEmpty(environment[variableOf(option)]),
    },
    {
      origin: () => ({ source: 'file', name: path ?? null }),
      code: 'INVALID_CONFIG',
      describe: (option) => `"${option}" in ${path ?? ''}`,
      valueOf: (option) => file.entries[option],
    },
  ];
  const values: Partial<Record<OptionName, unknown>> = {};
  const origins: Partial<Record<OptionName, Origin>> = {};
  const problems = [...file.problems];
  for (const option of OPTION_NAMES) {
    const source = sources.find(({ valueOf }) => valueOf(option) !== undefined);
    origins[option] = source?.origin(option) ?? { source: 'default', name: null };
    const problem = source && problemOf(option, source);
    if (problem === undefined) values[option] = source?.valueOf(option);
    else problems.push(problem);
  }
  return { values, origins: origins as Record<OptionName, Origin>, problems };
}

/** The root's sibling, unless another directory was chosen. */
export function stateDirOf(options: Options): string {
  return options['state-dir'] ?? `${resolve(options.root)}-state`;
}

function variableOf(option: OptionName): string {
  return `VGPU_${option.toUpperCase().replaceAll('-', '_')}`;
}

function problemOf(
  option: OptionName,
  { code, describe, valueOf }: Source,
): MediatorError | undefined {
  const value = valueOf(option);
  const result = Options.shape[option].safeParse(value);
  if (result.success) return undefined;
  const expected = result.error.issues[0]?.message ?? 'another value';
  const shown = typeof value === 'string' ? printable(value) : JSON.stringify(value);
  // What is almost right is not to stand in a log.
  const received = option === 'http-token' ? 'something else' : shown;
  return new MediatorError(code, `${describe(option)}: expected ${expected}, got ${received}`);
}

/** What stands in a config file, as far as it can be understood, and what is wrong with it. */
interface ConfigFile {
  readonly entries: Readonly<Record<string, unknown>>;
  readonly problems: readonly MediatorError[];
}

function readConfig(path: string): ConfigFile {
  let config: unknown;
  try {
    config = readJson(path);
  } catch (error) {
    const what = `cannot be read: ${(error as Error).message}`;
    return { entries: {}, problems: [invalidConfig(path, what, error)] };
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    return { entries: {}, problems: [invalidConfig(path, 'must be one JSON object')] };
  }
  const unknown = Object.keys(config).filter((key) => !OPTION_NAMES.includes(key as OptionName));
  const known = OPTION_NAMES.join(', ');
  return {
    entries: config as Record<string, unknown>,
    problems: unknown.map((key) =>
      invalidConfig(path, `has the unknown key ${printable(key)}; known are ${known}`),
    ),
  };
}

function invalidConfig(path: string, what: string, cause?: unknown): MediatorError {
  return new MediatorError('INVALID_CONFIG', `the config file ${path} ${what}`, { cause });
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
