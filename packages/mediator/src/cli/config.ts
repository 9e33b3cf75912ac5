import { resolve } from 'node:path';
import { printable } from '@vgpu/protocol';
import { variableOf } from '@vgpu/protocol/cli';
import { readJson } from '../json.js';
import { MediatorError, type MediatorErrorCode } from '../mediator-error.js';
import { Options, OPTION_NAMES, type OptionName } from './options.js';

/** The sources of options besides the config file, which they name. */
export interface ConfigSources {
  /** Flags that were given, by their names without dashes; also `config`, the file's path. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The source of a value. */
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
  /** Those of the file as a whole first, then those of each option. */
  readonly problems: readonly MediatorError[];
}

/**
 * Options from flags, environment, config file and defaults, in order of precedence.
 *
 * @throws MediatorError `USAGE` for a flag, `INVALID_CONFIG` for the environment or the file.
 */
export function resolveOptions(sources: ConfigSources): Options {
  const { values, problems } = gather(sources);
  const [problem] = problems;
  if (problem !== undefined) throw problem;
  return Options.parse(values);
}

/** Every reason for which {@link resolveOptions} would refuse these sources. */
export function problemsOf(sources: ConfigSources): readonly MediatorError[] {
  return gather(sources).problems;
}

/** The source of each option. */
export function originsOf(sources: ConfigSources): Readonly<Record<OptionName, Origin>> {
  return gather(sources).origins;
}

/** The path of the config file and its source; undefined if there is none. */
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
      // An empty variable counts as not set, as in most programs.
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
  const burst = origins['rate-burst'];
  if (
    problems.length === 0 &&
    typeof burst?.name === 'string' &&
    values['rate-limit'] === undefined
  ) {
    const code = burst.source === 'flag' ? 'USAGE' : 'INVALID_CONFIG';
    const where = burst.source === 'file' ? `"rate-burst" in ${burst.name}` : burst.name;
    problems.push(
      new MediatorError(code, `${where}: needs --rate-limit, the limit that it belongs to`),
    );
  }
  return { values, origins: origins as Record<OptionName, Origin>, problems };
}

/** The root's sibling, unless another directory was chosen. */
export function stateDirOf(options: Options): string {
  return options['state-dir'] ?? `${resolve(options.root)}-state`;
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
  // A mistyped token must not appear in a log.
  const received = option === 'http-token' ? 'something else' : shown;
  return new MediatorError(code, `${describe(option)}: expected ${expected}, got ${received}`);
}

/** The valid entries of a config file, and its problems. */
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
