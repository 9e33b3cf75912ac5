import { MAX_VECTOR_LENGTH } from './operands.js';
import { onOff, setting, SETTINGS } from '../settings.js';
import { ARRIVALS, type ArrivalProcess } from './arrivals.js';
import { parsePriorityMix } from './priority-mix.js';
import { parseVmList } from './vm-list.js';

const MAX_DURATION_MS = 24 * 60 * 60 * 1000;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Every option of `vgpu-vm-client bench`, by the name of its flag. */
export const BENCH_SETTINGS = {
  vms: setting(
    'VMs to play: 30 is VM 1 to 30; or a list such as 1,3,7-9 [default: this VM alone]',
    'a number of VMs, or numbers and ranges of VMs such as 1,3,7-9',
    parseVmList,
  ),
  priority: setting(
    'of all VMs: high, medium or low; or of how many, in the order of the list, such as ' +
      'high=10,medium=10,low=10 [default: medium]',
    'high, medium or low, or numbers of VMs such as high=10,low=20',
    parsePriorityMix,
  ),
  rate: setting(
    'requests that each VM sends in a second, whether older ones are answered or not',
    'a number from 0.001 to 100000',
    (text) => decimal(text, 0.001, 100_000),
  ),
  arrivals: setting(
    'how they come: poisson (at random, as of many users) or constant [default: poisson]',
    'poisson or constant',
    (text) => ARRIVALS.find((name): name is ArrivalProcess => name === text),
  ),
  'in-flight': setting(
    'instead of a rate: requests that each VM keeps under way, a new one for each answer ' +
      '[default: 1]',
    'a whole number from 1 to 10000',
    (text) => whole(text, 10_000),
  ),
  duration: setting(
    'how long requests are sent, such as 500ms, 30s, 5m or 1h [default: 10s]',
    'a number with ms, s, m or h, up to 24h',
    milliseconds,
  ),
  size: setting(
    'elements of each of the two vectors [default: 1]',
    `a whole number from 1 to ${MAX_VECTOR_LENGTH}`,
    (text) => whole(text, MAX_VECTOR_LENGTH),
  ),
  create: onOff('create the directories of VMs that have none, and remove them at the end'),
  json: onOff('print the figures, or the error, as one line of JSON'),
  root: SETTINGS.root,
  'vm-id': SETTINGS['vm-id'],
  pool: SETTINGS.pool,
  device: SETTINGS.device,
  timeout: SETTINGS.timeout,
};

function whole(text: string, max: number): number | undefined {
  const value = /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : NaN;
  return value <= max ? value : undefined;
}

function decimal(text: string, min: number, max: number): number | undefined {
  const value = /^[0-9]+(?:\.[0-9]+)?$/.test(text) ? Number(text) : NaN;
  return value >= min && value <= max ? value : undefined;
}

function milliseconds(text: string): number | undefined {
  const [, number = '', unit = ''] = /^([0-9.]+)(ms|s|m|h)$/.exec(text) ?? [];
  const value = decimal(number, 0, MAX_DURATION_MS);
  const ms = (value ?? NaN) * (UNITS[unit] ?? NaN);
  return ms >= 1 && ms <= MAX_DURATION_MS ? ms : undefined;
}
