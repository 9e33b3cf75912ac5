import * as z from 'zod/mini';
import { refuse } from './codec.js';

/**
 * A label that decides which devices may serve a request; it never changes the order.
 *
 * @useDeclaredType
 */
export const Pool = z.enum(['A', 'B'], "'A' or 'B'");
export type Pool = z.infer<typeof Pool>;

/**
 * 2 high, 1 medium, 0 low. Zero is a value.
 *
 * @useDeclaredType
 */
export const Priority = z.literal([0, 1, 2], '0 (low), 1 (medium) or 2 (high)');
export type Priority = z.infer<typeof Priority>;

/** Every priority, the highest first. */
export const PRIORITIES = [2, 1, 0] as const satisfies Priority[];

const VM_ID_RANGE = 'a whole number from 1 to 4294967295';

/**
 * A VM's number: 1 to 4294967295.
 *
 * @useDeclaredType
 */
export const VmId = z
  .int(VM_ID_RANGE)
  .check(z.minimum(1, VM_ID_RANGE), z.maximum(0xffff_ffff, VM_ID_RANGE));
export type VmId = z.infer<typeof VmId>;

/**
 * The identity of a VM, or its claim.
 *
 * @useDeclaredType
 */
export const Identity = z.object(
  {
    /** Which devices may serve its requests. */
    pool: Pool,
    /** 2 high, 1 medium, 0 low. */
    priority: Priority,
    /** Its number, 1 to 4294967295. */
    vm: VmId,
  },
  'an object with pool, priority and vm',
);
export type Identity = z.infer<typeof Identity>;

/** The priority of a digit; undefined for every other text. */
export function readPriority(text: string): Priority | undefined {
  return /^[012]$/.test(text) ? (Number(text) as Priority) : undefined;
}

/** The VM's number of a decimal; undefined for every other text. */
export function readVmId(text: string): number | undefined {
  const id = /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : 0;
  return id >= 1 && id <= 0xffff_ffff ? id : undefined;
}

/** A priority and its spelling in a request line: `0`, `1` or `2`. */
export const PriorityDigit = z.codec(z.string(), Priority, {
  decode: (text, ctx) =>
    readPriority(text) ?? refuse(ctx, { expected: '0 (low), 1 (medium) or 2 (high)' }),
  encode: String,
});

/** A VM's number and its spelling: decimal, no leading zeros. */
export const VmIdDecimal = z.codec(z.string(), VmId, {
  decode: (text, ctx) =>
    readVmId(text) ??
    refuse(ctx, { expected: 'a decimal number from 1 to 4294967295 without leading zeros' }),
  encode: String,
});

/** A pool and its spelling: the letter itself. */
export const PoolLetter = z.codec(z.string(), Pool, {
  decode: (text, ctx) =>
    text === 'A' || text === 'B' ? text : refuse(ctx, { expected: "'A' or 'B'" }),
  encode: (pool) => pool,
});

const PRIORITY_NAMES = ['low', 'medium', 'high'] as const;
/**
 * How people write a priority.
 *
 * @useDeclaredType
 */
export type PriorityName = (typeof PRIORITY_NAMES)[number];

/**
 * `high`, `medium` or `low`: how people write a priority.
 *
 * @param priority 2, 1 or 0.
 */
export function priorityName(priority: Priority): PriorityName {
  return PRIORITY_NAMES[priority];
}

/**
 * Accepts `high`, `medium`, `low` and `2`, `1`, `0`; returns undefined for anything else.
 *
 * @param text As a person has typed it.
 */
export function parsePriority(text: string): Priority | undefined {
  const named = PRIORITY_NAMES.indexOf(text as PriorityName);
  const priority = Priority.safeParse(
    named >= 0 ? named : /^[012]$/.test(text) ? Number(text) : -1,
  );
  return priority.data;
}
