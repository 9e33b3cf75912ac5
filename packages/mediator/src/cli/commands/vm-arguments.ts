import { Pool, parsePriority, printable, type Priority, VmDirectoryName } from '@vgpu/protocol';
import * as z from 'zod/mini';
import { MediatorError } from '../../mediator-error.js';
import { burstOf, type RateLimit } from '../../intake/token-bucket.js';
import { count, devices as deviceList, perSecond as rate } from '../options.js';
import type { Flags } from './command.js';

/** The word that resets an option. */
const DEFAULT = 'default';

const MAX_USER = 0xffff_fffe;

/** The VM of a command. @throws MediatorError `USAGE`. */
export function vmOf({ id }: Flags): number {
  const vm = z.safeDecode(VmDirectoryName, `vm${String(id)}`);
  if (vm.success) return vm.data;
  throw expected('<id>', 'a decimal number from 1 to 4294967295 without leading zeros', id);
}

/** @throws MediatorError `USAGE` if one of these options is not given. */
export function requireOptions(flags: Flags, ...names: string[]): void {
  const missing = names.filter((name) => flags[name] === undefined).map((name) => `--${name}`);
  if (missing.length === 0) return;
  throw new MediatorError('USAGE', `missing ${missing.join(' and ')}; see --help of the command`);
}

/** @throws MediatorError `USAGE`. */
export function poolOf({ pool }: Flags): Pool {
  const { success, data } = Pool.safeParse(pool);
  if (success) return data;
  throw expected('--pool', 'A or B', pool);
}

/** @throws MediatorError `USAGE`. */
export function priorityOf({ priority }: Flags): Priority {
  const level = parsePriority(String(priority));
  if (level !== undefined) return level;
  throw expected('--priority', 'high, medium, low, 2, 1 or 0', priority);
}

/**
 * The number of a user or a group, which must not be root's.
 *
 * @returns undefined if the option is not given.
 * @throws MediatorError `USAGE`.
 */
export function userNumberOf(flags: Flags, option: 'gid' | 'qemu-uid'): number | undefined {
  const text = flags[option];
  if (text === undefined) return undefined;
  const number = typeof text === 'string' && /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : 0;
  if (number > 0 && number <= MAX_USER) return number;
  throw expected(`--${option}`, `a number from 1 to ${MAX_USER}`, text);
}

/** The new pool; undefined if the option is not given. @throws MediatorError `USAGE`. */
export function newPoolOf(flags: Flags): Pool | undefined {
  if (flags['pool'] === undefined) return undefined;
  return flags['pool'] === DEFAULT ? 'A' : poolOf(flags);
}

/** The new priority; undefined if the option is not given. @throws MediatorError `USAGE`. */
export function newPriorityOf(flags: Flags): Priority | undefined {
  if (flags['priority'] === undefined) return undefined;
  return flags['priority'] === DEFAULT ? 1 : priorityOf(flags);
}

/**
 * The new rate limit; undefined if none of its options is given, null for the mediator's own.
 *
 * @param before Gives the limit that is registered.
 * @throws MediatorError `USAGE`.
 */
export function rateLimitOf(
  flags: Flags,
  before: () => RateLimit | undefined,
): RateLimit | null | undefined {
  const { 'rate-limit': limit, 'rate-burst': burst } = flags;
  if (limit === undefined && burst === undefined) return undefined;
  if (limit === DEFAULT && (burst === undefined || burst === DEFAULT)) return null;
  const perSecond = limit === undefined ? before()?.perSecond : numberOf(flags, 'rate-limit', rate);
  if (perSecond === undefined) {
    throw expected(
      '--rate-burst',
      '--rate-limit with it, since this VM has none of its own',
      burst,
    );
  }
  const isOfOneSecond = burst === undefined || burst === DEFAULT;
  return {
    perSecond,
    burst: burstOf(perSecond, isOfOneSecond ? undefined : numberOf(flags, 'rate-burst', count)),
  };
}

/**
 * The new queue limit; undefined if the option is not given, null for the mediator's own. @throws
 * MediatorError `USAGE`.
 */
export function maxQueuedOf(flags: Flags): number | null | undefined {
  const { 'max-queued': text } = flags;
  if (text === undefined) return undefined;
  return text === DEFAULT ? null : numberOf(flags, 'max-queued', count);
}

/** The devices for a pool; undefined for all. @throws MediatorError `USAGE`. */
export function poolDevicesOf({ devices }: Flags): number[] | undefined {
  const { success, data, error } = deviceList.safeParse(devices);
  if (success) return data === 'all' ? undefined : data;
  throw expected('--devices', error.issues[0]?.message ?? 'other devices', devices);
}

/** @param schema That of the option of `serve` of the same kind. */
function numberOf(flags: Flags, option: string, schema: z.ZodMiniType<number>): number {
  const { success, data, error } = schema.safeParse(flags[option]);
  if (success) return data;
  throw expected(`--${option}`, error.issues[0]?.message ?? 'a number', flags[option]);
}

function expected(what: string, expectation: string, received: unknown): MediatorError {
  return new MediatorError(
    'USAGE',
    `${what}: expected ${expectation}, got ${printable(String(received))}; see --help of the command`,
  );
}
