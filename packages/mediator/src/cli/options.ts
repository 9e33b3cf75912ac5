import * as z from 'zod/mini';
import { Pool, PRIORITIES, priorityName } from '@vgpu/protocol';
import {
  DURATION_EXAMPLES,
  durationText,
  type OptionText,
  parseDuration,
} from '@vgpu/protocol/cli';
import { parseEndpoint } from '../http/endpoint.js';
import { DEFAULT_SETTINGS } from '../settings.js';
import { MAX_TIMER_MS } from '../time.js';

/** An option of `serve`: a flag, a variable of the environment and a key of the config file. */
interface Definition extends Omit<OptionText, 'defaultText'> {
  /** Understands text, and what a config file may have in its place. */
  readonly schema: z.ZodMiniType;
  /** The value where none is given; absent if the option is not set then. */
  readonly default?: string | number | boolean;
  /** What holds then, in words. */
  readonly otherwise?: string;
  /** Whether a running mediator takes over a new value at SIGHUP. */
  readonly isReloadable: boolean;
}

const DEVICES_GROUP = 'Devices:';
const VMS_GROUP = 'Virtual machines:';
const MONITORING_GROUP = 'Monitoring:';
/** The group of the options that only the command line has. */
export const CONFIGURATION_GROUP = 'Configuration:';

const BACKENDS = ['auto', 'cuda', 'cpu'] as const;
const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
const LOG_FORMATS = ['pretty', 'json'] as const;

/** A number: a config file has it as itself, all else as text. */
const number = (
  what: string,
  { least, most, isWhole = false }: { least: number; most: number; isWhole?: boolean },
  parse: (text: string) => number | undefined = parseDecimal,
) =>
  z.pipe(
    z.union([z.number(), z.string()], what),
    z.transform((given, { issues }) => {
      const value = typeof given === 'number' ? given : (parse(given) ?? NaN);
      if (value >= least && value <= most && (!isWhole || Number.isInteger(value))) return value;
      issues.push({ code: 'custom', message: what, input: given });
      return z.NEVER;
    }),
  );

function parseDecimal(text: string): number | undefined {
  return /^[0-9]+(?:\.[0-9]+)?$/.test(text) ? Number(text) : undefined;
}

/** Milliseconds. */
export const milliseconds = (least: 0 | 1) =>
  number(
    `milliseconds from ${least} to ${MAX_TIMER_MS}, or a duration such as ${DURATION_EXAMPLES}`,
    { least, most: MAX_TIMER_MS },
    (text) => parseDuration(text, 'ms'),
  );

/** Seconds, as what a number without unit is taken. */
const seconds = number(
  `seconds from 0.001 to 1000000, or a duration such as ${DURATION_EXAMPLES}`,
  { least: 0.001, most: 1_000_000 },
  (text) => {
    const ms = parseDuration(text, 's');
    return ms === undefined ? undefined : ms / 1000;
  },
);

export const count = number('a whole number from 1 to 1000000', {
  least: 1,
  most: 1_000_000,
  isWhole: true,
});

export const perSecond = number('requests per second from 0.001 to 1000000', {
  least: 0.001,
  most: 1_000_000,
});

const DEVICES = 'all, or device numbers separated by commas, such as 0,1';
const deviceList = z
  .union([z.string(), z.pipe(z.array(z.int().check(z.minimum(0))), z.transform(String))], DEVICES)
  .check(
    z.refine((list) => /^(?:all|[0-9]{1,3}(?:,[0-9]{1,3})*)$/.test(list), {
      error: DEVICES,
      abort: true,
    }),
  );
export const devices = z
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
/** Refuses what an environment file gives that keeps quotation marks or a carriage return. */
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

/** Every option of `serve` that may also come from the environment or the config file. */
const DEFINITIONS = {
  root: {
    schema: path,
    default: '/var/vgpu',
    takes: 'path',
    describe: 'the directory that holds the VM directories; created if it does not exist',
    isReloadable: false,
  },
  'state-dir': {
    schema: path,
    takes: 'path',
    otherwise: '<root>-state',
    describe: "the mediator's own directory, which no VM may reach",
    isReloadable: false,
  },
  backend: {
    schema: choice(BACKENDS),
    default: 'auto',
    takes: BACKENDS.join('|'),
    describe: '`cuda`, `cpu`, or `auto`: CUDA where it works, else the CPU with a warning',
    group: DEVICES_GROUP,
    isReloadable: false,
  },
  devices: {
    schema: devices,
    default: 'all',
    takes: 'list',
    describe: '`all` GPUs, or numbers such as `0,1`; with `cpu`, one CPU device for each number',
    group: DEVICES_GROUP,
    isReloadable: false,
  },
  'cpu-delay': {
    schema: milliseconds(0),
    default: 0,
    takes: 'duration',
    describe: 'artificial delay of each operation on the CPU device, to rehearse scheduling',
    group: DEVICES_GROUP,
    isReloadable: false,
  },
  'poll-interval': {
    schema: milliseconds(1),
    default: DEFAULT_SETTINGS.pollIntervalMs,
    takes: 'duration',
    describe: 'interval between scans of the VM directories (inotify is used as well)',
    group: VMS_GROUP,
    isReloadable: true,
  },
  settle: {
    schema: milliseconds(0),
    default: DEFAULT_SETTINGS.settleMs,
    takes: 'duration',
    describe:
      'treat a request without a trailing newline as complete once it has not changed for this long',
    group: VMS_GROUP,
    isReloadable: true,
  },
  'max-queued-per-vm': {
    schema: count,
    default: DEFAULT_SETTINGS.maxQueuedPerVm,
    takes: 'count',
    describe: 'maximum number of queued requests per VM; the rest stays on disk',
    group: VMS_GROUP,
    isReloadable: true,
  },
  aging: {
    schema: seconds,
    takes: 'duration',
    otherwise: 'no aging',
    describe:
      "raise a waiting request's priority by one level each time this long has passed; a plain number " +
      'is in seconds',
    group: VMS_GROUP,
    isReloadable: true,
  },
  'exec-limit': {
    schema: milliseconds(1),
    default: DEFAULT_SETTINGS.execLimitMs,
    takes: 'duration',
    describe: 'reject an operation that takes longer with `DEADLINE`, and reopen its device',
    group: DEVICES_GROUP,
    isReloadable: true,
  },
  retention: {
    schema: milliseconds(1),
    default: DEFAULT_SETTINGS.retentionMs,
    takes: 'duration',
    describe: 'remove a response that its client has not fetched for this long',
    group: VMS_GROUP,
    isReloadable: true,
  },
  'require-registration': {
    schema: flag,
    default: DEFAULT_SETTINGS.requireRegistration,
    takes: undefined,
    describe: 'serve registered VMs only; reject the requests of others with `UNKNOWN_VM`',
    group: VMS_GROUP,
    isReloadable: true,
  },
  'rate-limit': {
    schema: perSecond,
    takes: 'number',
    otherwise: 'no limit',
    describe: 'requests per second of one VM; those beyond are rejected with `RATE_LIMITED`',
    group: VMS_GROUP,
    isReloadable: true,
  },
  'rate-burst': {
    schema: count,
    takes: 'count',
    otherwise: "one second's worth of requests",
    describe: 'requests of one VM that may arrive at once within `--rate-limit`',
    group: VMS_GROUP,
    isReloadable: true,
  },
  http: {
    schema: endpoint,
    takes: 'host:port',
    otherwise: 'no HTTP server',
    describe: 'serve metrics and a page at `host:port` or `unix:<path>`',
    group: MONITORING_GROUP,
    isReloadable: false,
  },
  'http-token': {
    schema: token,
    takes: 'token',
    describe:
      'bearer token required to access the HTTP endpoint; needed at addresses other than loopback; ' +
      'better given as `VGPU_HTTP_TOKEN`',
    group: MONITORING_GROUP,
    isReloadable: false,
  },
  once: {
    schema: flag,
    default: false,
    takes: undefined,
    describe: 'process all pending requests, then exit; with 73 if one could not be processed',
    isReloadable: false,
  },
  'log-level': {
    schema: choice(LOG_LEVELS),
    default: 'info',
    takes: LOG_LEVELS.join('|'),
    describe: 'log messages of this level and above, to standard error',
    group: MONITORING_GROUP,
    isReloadable: true,
  },
  'log-format': {
    schema: choice(LOG_FORMATS),
    default: 'pretty',
    takes: LOG_FORMATS.join('|'),
    describe: 'lines for people, or one JSON object per line',
    group: MONITORING_GROUP,
    isReloadable: false,
  },
} as const satisfies Record<string, Definition>;

/** `--config`: a flag and a variable, but no key of the file that it names. */
export const CONFIG_OPTION = {
  takes: 'path',
  describe: 'JSON file with these options, such as `{"state-dir": "/var/x"}`',
  group: CONFIGURATION_GROUP,
  isReloadable: false,
} satisfies OptionText;

export type OptionName = keyof typeof DEFINITIONS;

export const OPTION_NAMES = Object.keys(DEFINITIONS) as OptionName[];

/** What is said about each option. */
export const OPTIONS = byName<OptionText>((name): OptionText => {
  const definition: Definition = DEFINITIONS[name];
  return { ...definition, defaultText: defaultTextOf(definition) };
}) as Readonly<Record<OptionName, OptionText>>;

function defaultTextOf({ takes, default: value, otherwise }: Definition): string | undefined {
  if (value === undefined || typeof value === 'boolean') return otherwise;
  return takes === 'duration' ? durationText(Number(value)) : String(value);
}

type Definitions = typeof DEFINITIONS;

/** The values of all options. */
export type Options = z.infer<typeof Options>;
export const Options = z.object(
  byName((name) => {
    const { schema, default: value }: Definition = DEFINITIONS[name];
    return value === undefined ? z.optional(schema) : z._default(schema, value);
  }) as {
    [Name in OptionName]: Definitions[Name] extends { readonly default: unknown }
      ? z.ZodMiniDefault<Definitions[Name]['schema']>
      : z.ZodMiniOptional<Definitions[Name]['schema']>;
  },
);

/** The options that a running mediator takes over at SIGHUP. */
export const RELOADABLE = OPTION_NAMES.filter((name) => DEFINITIONS[name].isReloadable);

/** The values of options that have few, by name; those of commands included. */
export const CHOICES: Readonly<Record<string, readonly string[]>> = {
  backend: BACKENDS,
  'log-level': LOG_LEVELS,
  'log-format': LOG_FORMATS,
  pool: Pool.options,
  priority: PRIORITIES.map(priorityName),
};

function byName<T>(valueOf: (name: OptionName) => T): Record<string, T> {
  return Object.fromEntries(OPTION_NAMES.map((name) => [name, valueOf(name)]));
}
