import * as z from 'zod/mini';
import { isTypedArray, refuse, Text } from './codec.js';
import { printable } from './printable.js';

/** The least int32. */
export const INT32_MIN = -2147483648;
/** The greatest int32. */
export const INT32_MAX = 2147483647;

/** A whole number that fits the GPU's `int`. */
export const Int32 = z.int32();

const Int32Vector = z.custom<Int32Array>(
  (value) => isTypedArray(value, 'Int32Array'),
  'an Int32Array',
);

const [COMMA, MINUS, ZERO] = [0x2c, 0x2d, 0x30];
/** Digits of the greatest int32. */
const MAX_DIGITS = 10;
/** Where the lists of a line are read to, so that each costs no more memory than it needs. */
const scratch = new Int32Array(32_768);

/**
 * A vector of int32 and its spelling: decimal numbers, comma between them, at least one.
 * A single number is a vector of length one.
 */
export const Int32List = z.codec(Text, Int32Vector, {
  decode: (text, ctx) => {
    const { list, count, at } = scan(text);
    if (at === undefined) return list.slice(0, count);
    const comma = text.indexOf(',', at);
    const item = text.slice(at, comma < 0 ? undefined : comma);
    const where = text.includes(',') ? `number ${count + 1} of the list to be ` : '';
    const problem = problemOf(item);
    return refuse(ctx, {
      ...problem,
      expected: where + problem.expected,
      received: printable(item),
    });
  },
  encode: (list, ctx) => {
    // A check of an object that this is a part of makes zod encode once without the part's checks.
    if (!isTypedArray(list, 'Int32Array')) return refuse(ctx, { expected: 'an Int32Array' });
    if (list.length > 0) return writeInt32List(list);
    return refuse(ctx, { expected: 'at least one number', received: 'none' });
  },
});

/** The numbers of a list; undefined if it is none. */
export function readInt32List(text: string): Int32Array | undefined {
  const { list, count, at } = scan(text);
  return at === undefined ? list.slice(0, count) : undefined;
}

/** The spelling of a list that is not empty. Joining takes ten times as long over one number. */
export function writeInt32List(list: Int32Array): string {
  return list.length === 1 ? String(list[0]) : list.join(',');
}

/**
 * Reads a list in one pass over its characters: a line may hold 32 000 numbers, and whoever decodes
 * it does nothing else meanwhile.
 *
 * @returns the numbers, which the next call may overwrite, and how many there are before the first
 *   that is none, which begins `at`.
 */
function scan(text: string): { list: Int32Array; count: number; at?: number } {
  const most = (text.length >> 1) + 1;
  const list = most <= scratch.length ? scratch : new Int32Array(most);
  let count = 0;
  for (let end = -1; end < text.length; count += 1) {
    const at = end + 1;
    const isNegative = text.charCodeAt(at) === MINUS;
    const first = isNegative ? at + 1 : at;
    let magnitude = 0;
    for (end = first; end < text.length; end += 1) {
      const digit = text.charCodeAt(end) - ZERO;
      if (digit < 0 || digit > 9) break;
      magnitude = 10 * magnitude + digit;
    }
    const digits = end - first;
    const value = isNegative ? -magnitude : magnitude;
    // No plus sign, no leading zero, no "-0": each number has exactly one spelling.
    const isSpelledWell = text.charCodeAt(first) !== ZERO || (digits === 1 && !isNegative);
    const isEnd = end === text.length || text.charCodeAt(end) === COMMA;
    const isInt32 = digits > 0 && digits <= MAX_DIGITS && value >= INT32_MIN && value <= INT32_MAX;
    if (!isSpelledWell || !isEnd || !isInt32) return { list, count, at };
    list[count] = value;
  }
  return { list, count };
}

function problemOf(item: string) {
  if (!/^(?:0|-?[1-9][0-9]*)$/.test(item)) {
    return { expected: 'a decimal int32 without spaces, plus sign or leading zeros' };
  }
  return {
    code: 'OUT_OF_RANGE' as const,
    expected: `a number from ${INT32_MIN} to ${INT32_MAX}`,
  };
}
