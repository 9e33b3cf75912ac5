import * as z from 'zod/mini';
import { parseEndpoint } from '../http/endpoint.js';
import { DEFAULT_SETTINGS } from '../settings.js';
import { MAX_TIMER_MS } from '../time.js';

/** A number that comes from a command line or the environment as text, from a file as itself. */
const numberOf = (what: string, least: number, most: number, isInteger = false) =>
  z.pipe(
    z.union([z.number(), z.string()], what),
    z.transform((value, { issues }) => {
      const isDecimal = typeof value === 'number' || /^[0-9]+(?:\.[0-9]+)?$/.test(value);
      const number = isDecimal ? Number(value) : NaN;
      if (number >= least && number <= most && (!isInteger || Number.isInteger(number)))
        return number;
      issues.push({ code: 'custom', message: what, input: value });
      return z.NEVER;
    }),
  );

const ms = (least: 0 | 1) =>
  numberOf(`milliseconds from ${least} to ${MAX_TIMER_MS}`, least, MAX_TIMER_MS);
const count = numberOf('a whole number from 1 to 1000000', 1, 1_000_000, true);

const perSecond = numberOf('requests per second from 0.001 to 1000000', 0.001, 1_000_000);

const seconds = numberOf('seconds from 0.001 to 1000000', 0.001, 1_000_000);

const DEVICES = 'all, or device numbers separated by commas, such as 0,1';
const deviceList = z
  .union([z.string(), z.pipe(z.array(z.int().check(z.minimum(0))), z.transform(String))], DEVICES)
  .check(
    z.refine((list) => /^(?:all|[0-9]{1,3}(?:,[0-9]{1,3})*)$/.test(list), {
      error: DEVICES,
      abort: true,
    }),
  );
const devices = z
  .pipe(
    deviceList,
    z.transform((list) => (list === 'all' ? list : list.split(',').map(Number))),
  )
  .check(
    z.refine((list) => list === 'all' || new Set(list).size === list.length, 'each device once'),
  );

const choice = <const T extends readonly string[]>(values: T) =>
  z.enum(values, `one of ${values.join(', ')}`);
const PATH = 'a path, without quotation marks around it, blanks at its ends or control characters';
/** A file of variables that keeps quotation marks, or a carriage return, gives what nobody means. */
const path = z.string(PATH).check(z.refine(isPlausiblePath, PATH));

/** Whether a text can be meant as a path. */
export function isPlausiblePath(text: string): boolean {
  return (
    text !== '' &&
    text.trim() === text &&
    !/\p{Cc}/u.test(text) &&
    !/^(?:"|(["']).*\1)$/su.test(text)
  );
}

const flag = z.union([z.boolean(), z.stringbool()], 'true or false');

const ENDPOINT = 'host:port, such as 127.0.0.1:9741, or unix:<path>';
const endpoint = z.pipe(
  z.string(ENDPOINT),
  z.transform((text, { issues }) => {
    const parsed = parseEndpoint(text);
    if (parsed !== undefined) return parsed;
    issues.push({ code: 'custom', message: ENDPOINT, input: text });
    return z.NEVER;
  }),
);
const TOKEN = '16 to 256 letters, digits or -._~+/=';
const token = z.string(TOKEN).check(z.regex(/^[A-Za-z0-9._~+/=-]{16,256}$/, TOKEN));

export const BACKENDS = ['auto', 'cuda', 'cpu'] as const;
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export const LOG_FORMATS = ['pretty', 'json'] as const;

/** Everything that can be set: by flag, as `VGPU_...` in the environment, or in the config file. */
export const Options = z.object({
  root: z._default(path, '/var/vgpu'),
  /** Default: the root with `-state` behind it. */
  'state-dir': z.optional(path),
  backend: z._default(choice(BACKENDS), 'auto'),
  /** `all`: every CUDA device, or one CPU device. */
  devices: z._default(devices, 'all'),
  'cpu-delay': z._default(ms(0), 0),
  'poll-interval': z._default(ms(1), DEFAULT_SETTINGS.pollIntervalMs),
  settle: z._default(ms(0), DEFAULT_SETTINGS.settleMs),
  'max-queued-per-vm': z._default(count, DEFAULT_SETTINGS.maxQueuedPerVm),
  /** Default: the order is strict. */
  aging: z.optional(seconds),
  'exec-limit': z._default(ms(1), DEFAULT_SETTINGS.execLimitMs),
  retention: z._default(ms(1), DEFAULT_SETTINGS.retentionMs),
  'require-registration': z._default(flag, DEFAULT_SETTINGS.requireRegistration),
  /** Default: no limit. */
  'rate-limit': z.optional(perSecond),
  /** Default: what may come in a second, one at least. */
  'rate-burst': z.optional(count),
  /** Default: no HTTP server. */
  http: z.optional(endpoint),
  'http-token': z.optional(token),
  once: z._default(flag, false),
  'log-level': z._default(choice(LOG_LEVELS), 'info'),
  'log-format': z._default(choice(LOG_FORMATS), 'pretty'),
});
export type Options = z.infer<typeof Options>;
export type OptionName = keyof Options;

export const OPTION_NAMES = Object.keys(Options.shape) as OptionName[];
