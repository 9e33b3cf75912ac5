import { durationText, parseDuration } from '@vgpu/protocol/cli';
import { priorityName } from '@vgpu/protocol';
import { DEFAULTS } from '../../identity.js';
import { type Setting, SETTINGS, toggle } from '../settings.js';
import { ARRIVALS, type ArrivalProcess } from './arrivals.js';
import { MAX_VECTOR_LENGTH } from './operands.js';
import { parsePriorityMix, parseVmList } from './vms.js';

const MAX_DURATION_MS = 24 * 60 * 60 * 1000;

/** The values of options that are not given. */
export const BENCH_DEFAULTS = {
  arrivals: 'poisson',
  inFlight: 1,
  durationMs: 10_000,
  size: 1,
} as const;

/** Every option of `vgpu-vm-client bench`, by the name of its flag. */
export const BENCH_SETTINGS = {
  vms: {
    describe: 'VMs to play: `30` is VM 1 to 30; or a list such as `1,3,7-9`',
    takes: 'list',
    defaultText: 'this VM alone',
    expected: 'a number of VMs, or numbers and ranges of VMs such as 1,3,7-9',
    parse: parseVmList,
  },
  priority: {
    describe:
      'of all VMs: `high`, `medium` or `low`; or of how many, in the order of the list, such as ' +
      '`high=10,medium=10,low=10`',
    takes: 'priority',
    defaultText: priorityName(DEFAULTS.priority),
    expected: 'high, medium or low, or numbers of VMs such as high=10,low=20',
    parse: parsePriorityMix,
  },
  rate: {
    describe: 'requests per second of each VM, whether earlier ones have a response or not',
    takes: 'number',
    expected: 'a number from 0.001 to 100000',
    parse: (text: string) => decimal(text, 0.001, 100_000),
  },
  arrivals: {
    describe:
      'with `--rate`, how requests arrive: `poisson` (at random, as from many users) or `constant`',
    takes: ARRIVALS.join('|'),
    defaultText: BENCH_DEFAULTS.arrivals,
    expected: 'poisson or constant',
    parse: (text: string) => ARRIVALS.find((name): name is ArrivalProcess => name === text),
  },
  'in-flight': {
    describe:
      'instead of a rate: requests that each VM keeps in flight; each response brings the next one',
    takes: 'count',
    defaultText: String(BENCH_DEFAULTS.inFlight),
    expected: 'a whole number from 1 to 10000',
    parse: (text: string) => whole(text, 10_000),
  },
  duration: {
    describe: 'how long requests are sent, such as `500ms`, `30s`, `5m` or `1h`',
    takes: 'duration',
    defaultText: durationText(BENCH_DEFAULTS.durationMs),
    expected: 'a number with ms, s, m or h, up to 24h',
    parse: (text: string) => {
      const ms = parseDuration(text) ?? NaN;
      return ms >= 1 && ms <= MAX_DURATION_MS ? ms : undefined;
    },
  },
  size: {
    describe: 'elements of each of the two vectors',
    takes: 'count',
    defaultText: String(BENCH_DEFAULTS.size),
    expected: `a whole number from 1 to ${MAX_VECTOR_LENGTH}`,
    parse: (text: string) => whole(text, MAX_VECTOR_LENGTH),
  },
  create: toggle('create missing VM directories, and remove them at the end'),
  json: toggle('print the figures, or the error, as one line of JSON'),
  root: SETTINGS.root,
  'vm-id': SETTINGS['vm-id'],
  pool: SETTINGS.pool,
  device: SETTINGS.device,
  timeout: SETTINGS.timeout,
} satisfies Record<string, Setting<unknown>>;

function whole(text: string, max: number): number | undefined {
  const value = /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : NaN;
  return value <= max ? value : undefined;
}

function decimal(text: string, min: number, max: number): number | undefined {
  const value = /^[0-9]+(?:\.[0-9]+)?$/.test(text) ? Number(text) : NaN;
  return value >= min && value <= max ? value : undefined;
}
