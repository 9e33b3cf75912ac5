import * as z from 'zod/mini';
import { parsePriority, Pool, printable, VmDirectoryName } from '@vgpu/protocol';
import { VgpuError } from '../errors.js';
import { isPlausiblePath, MAX_TIMEOUT_MS } from '../options.js';

/** The environment, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the command line says: text for options with a value, true or false for switches. */
export type Flags = Readonly<Record<string, string | boolean | undefined>>;

/** An option of the command line, which is also a variable of the environment. */
export interface Setting<T> {
  readonly describe: string;
  /** Stands on the command line without a value. */
  readonly isSwitch: boolean;
  readonly expected: string;
  /** Understands the text of a value; undefined if it makes no sense. */
  readonly parse: (text: string) => T | undefined;
}

/** An option with a value. */
export function setting<T>(
  describe: string,
  expected: string,
  parse: (text: string) => T | undefined,
): Setting<T> {
  return { describe, isSwitch: false, expected, parse };
}

const PATH = 'a path, without quotation marks around it, blanks at its ends or control characters';
const path = (describe: string) =>
  setting(describe, PATH, (text) => (isPlausiblePath(text) ? text : undefined));

const SWITCHED = new Map([
  ['1', true],
  ['true', true],
  ['0', false],
  ['false', false],
]);

/** A switch. */
export const onOff = (describe: string): Setting<boolean> => ({
  describe,
  isSwitch: true,
  expected: '1, true, 0 or false',
  parse: (text) => SWITCHED.get(text),
});

/** Every option that is also a variable, by the name of its flag. */
export const SETTINGS = {
  root: path('where the directories of the VMs are [default: /mnt/vgpu, else /var/vgpu]'),
  'vm-id': setting(
    'number of this VM',
    'a decimal number from 1 to 4294967295 without leading zeros',
    (text) => z.safeDecode(VmDirectoryName, `vm${text}`).data,
  ),
  pool: setting(
    'which devices may serve the request: A or B [default: A]',
    'A or B',
    (text) => Pool.safeParse(text).data,
  ),
  priority: setting(
    'high, medium or low, or 2, 1 or 0 [default: medium]',
    'high, medium, low, 2, 1 or 0',
    parsePriority,
  ),
  device: path(
    'PCI device, or file, with the registers of this VM: its number, pool and priority ' +
      '[default: without --vm-id the one that there is]',
  ),
  timeout: setting(
    'how long to wait for the answer, in milliseconds [default: 30000]',
    `a whole number of milliseconds from 1 to ${MAX_TIMEOUT_MS}`,
    milliseconds,
  ),
  plain: onOff('use the slot request.txt and response.txt'),
  json: onOff('print the answer, or the error, as one line of JSON'),
  verbose: onOff('say on standard error who asks, in which slot, and how long it took'),
};

function milliseconds(text: string): number | undefined {
  const value = /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : NaN;
  return value <= MAX_TIMEOUT_MS ? value : undefined;
}

export type SettingName = keyof typeof SETTINGS;

/** The variable of the environment that stands for a flag: `vm-id` is `VGPU_VM_ID`. */
export const variableOf = (name: string) => `VGPU_${name.toUpperCase().replaceAll('-', '_')}`;

/** What a setting is once it is understood. */
type Value<T extends Setting<unknown>> = Exclude<ReturnType<T['parse']>, undefined>;

/**
 * Reads one of these settings: from its flag, else from its variable, where an empty one counts as
 * none.
 *
 * @throws VgpuError `INVALID_OPTION` or `BAD_ENVIRONMENT`.
 */
export function readSetting<
  Name extends string,
  Table extends Readonly<Record<Name, Setting<unknown>>>,
>(settings: Table, name: Name, flags: Flags, env: Environment): Value<Table[Name]> | undefined {
  const setting: Table[Name] = settings[name];
  const flag = flags[name];
  if (flag !== undefined) return understand(setting, String(flag), 'INVALID_OPTION', `--${name}`);
  const variable = variableOf(name);
  const text = env[variable] ?? '';
  return text === '' ? undefined : understand(setting, text, 'BAD_ENVIRONMENT', variable);
}

function understand<T extends Setting<unknown>>(
  { parse, expected }: T,
  text: string,
  code: 'INVALID_OPTION' | 'BAD_ENVIRONMENT',
  where: string,
): Value<T> {
  const value = parse(text);
  if (value !== undefined) return value as Value<T>;
  throw new VgpuError(code, `${where}: expected ${expected}, got ${printable(text)}`);
}
