import * as z from 'zod';
import { DEFAULT_SETTINGS } from '../settings.js';
import { MAX_TIMER_MS } from '../time.js';

/** A number that comes from a command line or the environment as text, from a file as itself. */
const numberOf = (what: string, least: number, most: number, isInteger = false) =>
  z.union([z.number(), z.string()], what).transform((value, ctx) => {
    const isDecimal = typeof value === 'number' || /^[0-9]+(?:\.[0-9]+)?$/.test(value);
    const number = isDecimal ? Number(value) : NaN;
    if (number >= least && number <= most && (!isInteger || Number.isInteger(number)))
      return number;
    ctx.addIssue(what);
    return z.NEVER;
  });

const ms = (least: 0 | 1) =>
  numberOf(`milliseconds from ${least} to ${MAX_TIMER_MS}`, least, MAX_TIMER_MS);
const count = numberOf('a whole number from 1 to 1000000', 1, 1_000_000, true);

const perSecond = numberOf('requests per second from 0.001 to 1000000', 0.001, 1_000_000);

const DEVICES = 'all, or device numbers separated by commas, such as 0,1';
const devices = z
  .union([z.string(), z.array(z.int().min(0)).transform(String)], DEVICES)
  .refine((list) => /^(?:all|[0-9]{1,3}(?:,[0-9]{1,3})*)$/.test(list), {
    error: DEVICES,
    abort: true,
  })
  .transform((list) => (list === 'all' ? list : list.split(',').map(Number)))
  .refine((list) => list === 'all' || new Set(list).size === list.length, 'each device once');

const choice = <const T extends readonly string[]>(values: T) =>
  z.enum(values, `one of ${values.join(', ')}`);
const path = z.string('a path').min(1, 'a path');
const flag = z.union([z.boolean(), z.stringbool()], 'true or false');

export const BACKENDS = ['auto', 'cuda', 'cpu'] as const;
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export const LOG_FORMATS = ['pretty', 'json'] as const;

/** Everything that can be set: by flag, as `VGPU_...` in the environment, or in the config file. */
export const Options = z.object({
  root: path.default('/var/vgpu'),
  /** Default: the root with `-state` behind it. */
  'state-dir': path.optional(),
  backend: choice(BACKENDS).default('auto'),
  /** `all`: every CUDA device, or one CPU device. */
  devices: devices.default('all'),
  'cpu-delay': ms(0).default(0),
  'poll-interval': ms(1).default(DEFAULT_SETTINGS.pollIntervalMs),
  settle: ms(0).default(DEFAULT_SETTINGS.settleMs),
  'max-queued-per-vm': count.default(DEFAULT_SETTINGS.maxQueuedPerVm),
  'exec-limit': ms(1).default(DEFAULT_SETTINGS.execLimitMs),
  retention: ms(1).default(DEFAULT_SETTINGS.retentionMs),
  'require-registration': flag.default(DEFAULT_SETTINGS.requireRegistration),
  /** Default: no limit. */
  'rate-limit': perSecond.optional(),
  /** Default: what may come in a second, one at least. */
  'rate-burst': count.optional(),
  once: flag.default(false),
  'log-level': choice(LOG_LEVELS).default('info'),
  'log-format': choice(LOG_FORMATS).default('pretty'),
});
export type Options = z.infer<typeof Options>;
export type OptionName = keyof Options;

export const OPTION_NAMES = Object.keys(Options.shape) as OptionName[];
