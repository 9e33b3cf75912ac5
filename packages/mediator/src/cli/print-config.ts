import { ExitCode, printable } from '@vgpu/protocol';
import type { Endpoint } from '../http/endpoint.js';
import { burstOf } from '../intake/token-bucket.js';
import type { Flags, CliContext } from './commands/command.js';
import {
  configFileOf,
  originsOf,
  resolveOptions,
  stateDirOf,
  type ConfigSources,
  type Origin,
} from './config.js';
import { OPTION_NAMES, type OptionName, type Options } from './options.js';
import type { Column } from '@vgpu/protocol/cli';
import { table } from './terminal-text.js';

const COLUMNS: readonly Column[] = [['SETTING'], ['VALUE'], ['SOURCE'], ['NAME']];

type Value = string | number | boolean | readonly number[] | undefined;

/** The effective value of an option and its source; null if it is not set and has no default. */
interface Setting extends Origin {
  readonly value: Exclude<Value, undefined> | null;
}

/**
 * `--print-config`: prints the effective configuration and the source of each value.
 *
 * @throws MediatorError `USAGE` or `INVALID_CONFIG`.
 */
export function printConfig(flags: Flags, context: CliContext): ExitCode {
  const settings = settingsOf({ flags, environment: context.environment });
  if (flags['json'] === true) {
    context.print(JSON.stringify(settings, null, 2));
    return ExitCode.OK;
  }
  const rows = Object.entries(settings).map(([option, { value, source, name }]) => [
    option,
    textOf(value),
    source,
    name === null ? '-' : inOneLine(name),
  ]);
  context.print(table(COLUMNS, rows, context));
  return ExitCode.OK;
}

function settingsOf(sources: ConfigSources): Readonly<Record<string, Setting>> {
  const options = resolveOptions(sources);
  const values = valuesOf(options);
  const origins = originsOf(sources);
  const file = configFileOf(sources);
  const settings = OPTION_NAMES.map((option): [string, Setting] => [
    option,
    { value: values[option] ?? null, ...origins[option] },
  ]);
  const config = {
    value: file?.path ?? null,
    ...(file?.origin ?? { source: 'default' as const, name: null }),
  };
  return { config, ...Object.fromEntries(settings) };
}

/** The values as in a config file, without the token. */
function valuesOf(options: Options): Readonly<Partial<Record<OptionName, Value>>> {
  const { http, 'http-token': token, 'rate-limit': limit, 'rate-burst': burst } = options;
  return {
    ...options,
    'state-dir': stateDirOf(options),
    'rate-burst': limit === undefined ? burst : burstOf(limit, burst),
    http: http && endpointText(http),
    'http-token': token && '(hidden)',
  };
}

function endpointText(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix:${endpoint.path}`;
  const { host, port } = endpoint;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function textOf(value: Setting['value']): string {
  return value === null ? '-' : inOneLine(String(value));
}

/** A path may hold any character. */
function inOneLine(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : printable(text, Infinity);
}
