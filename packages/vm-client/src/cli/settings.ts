import fs from 'node:fs';
import * as z from 'zod/mini';
import { parsePriority, Pool, printable, priorityName, VmDirectoryName } from '@vgpu/protocol';
import {
  DURATION_EXAMPLES,
  durationText,
  type OptionText,
  parseDuration,
  variableOf,
} from '@vgpu/protocol/cli';
import { VgpuError } from '../errors.js';
import { DEFAULTS } from '../identity.js';
import { DEFAULT_TIMEOUT_MS, isPlausiblePath, MAX_TIMEOUT_MS } from '../options.js';

/** The environment, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the command line says: text for options with a value, true or false for switches. */
export type Flags = Readonly<Record<string, string | boolean | undefined>>;

/** An option of the command line, which is also a variable of the environment. */
export interface Setting<T> extends OptionText {
  readonly expected: string;
  /** Understands the text of a value; undefined if it is invalid. */
  readonly parse: (text: string) => T | undefined;
}

const PATH = 'a path, without quotation marks around it, blanks at its ends or control characters';
const path = {
  takes: 'path',
  expected: PATH,
  parse: (text: string) => (isPlausiblePath(text) ? text : undefined),
};

const SWITCHED = new Map([
  ['1', true],
  ['true', true],
  ['0', false],
  ['false', false],
]);

/** A switch. */
export const toggle = (describe: string): Setting<boolean> => ({
  describe,
  takes: undefined,
  expected: '1, true, 0 or false',
  parse: (text) => SWITCHED.get(text),
});

const GUEST_ROOT = '/mnt/vgpu';
const HOST_ROOT = '/var/vgpu';

/** The directory of the VM directories if none is given: that of a guest, else that of a host. */
export const defaultRoot = () => (fs.existsSync(GUEST_ROOT) ? GUEST_ROOT : HOST_ROOT);

/** Every option of adding, by the name of its flag. */
export const SETTINGS = {
  root: {
    ...path,
    describe: 'the directory that holds the VM directories',
    defaultText: `${GUEST_ROOT} if it exists, else ${HOST_ROOT}`,
  },
  'vm-id': {
    describe: 'number of this VM, 1 to 4294967295',
    takes: 'id',
    defaultText: 'from the device',
    expected: 'a decimal number from 1 to 4294967295 without leading zeros',
    parse: (text: string) => z.safeDecode(VmDirectoryName, `vm${text}`).data,
  },
  pool: {
    describe: 'which devices may serve the request: `A` or `B`; it does not change the order',
    takes: Pool.options.join('|'),
    defaultText: `from the device, else ${DEFAULTS.pool}`,
    expected: 'A or B',
    parse: (text: string) => Pool.safeParse(text).data,
  },
  priority: {
    describe: '`high`, `medium` or `low`, or `2`, `1` or `0`',
    takes: 'priority',
    defaultText: `from the device, else ${priorityName(DEFAULTS.priority)}`,
    expected: 'high, medium, low, 2, 1 or 0',
    parse: parsePriority,
  },
  device: {
    ...path,
    takes: 'device',
    describe: 'PCI device, or file, with the registers of this VM: its number, pool and priority',
    defaultText: 'without --vm-id the only one in this VM',
  },
  timeout: {
    describe: 'how long to wait for the response',
    takes: 'duration',
    defaultText: durationText(DEFAULT_TIMEOUT_MS),
    expected:
      `a whole number of milliseconds from 1 to ${MAX_TIMEOUT_MS}, or a duration such as ` +
      DURATION_EXAMPLES,
    parse: (text: string) => {
      const ms = parseDuration(text, 'ms') ?? NaN;
      return Number.isInteger(ms) && ms >= 1 && ms <= MAX_TIMEOUT_MS ? ms : undefined;
    },
  },
  plain: toggle('use the plain slot, `request.txt` and `response.txt`'),
  json: toggle('print the response, or the error, as one line of JSON'),
  verbose: toggle('print on standard error who sends, in which slot, and how long it took'),
} satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof SETTINGS;

/** The value of a setting. */
type Value<T extends Setting<unknown>> = Exclude<ReturnType<T['parse']>, undefined>;

/**
 * Reads one of these settings from its flag, else from its variable; an empty variable counts as not set.
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
