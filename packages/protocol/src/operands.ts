import * as z from 'zod/mini';
import { isTypedArray, refuse, type Refusal, Text } from './codec.js';
import { printable } from './printable.js';
import type { Rejection } from './protocol-error.js';

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
/** The lists of a line are first read into this, so that each takes no more memory than it needs. */
const scratch = new Int32Array(32_768);

/**
 * A vector of int32 and its spelling: at least one decimal number, with commas between them.
 * A single number is a vector of length one.
 */
export const Int32List = z.codec(Text, Int32Vector, {
  decode: (text, ctx) => {
    const list = readInt32List(text, 0, text.length);
    return list instanceof Int32Array ? list : refuse(ctx, list);
  },
  encode: (list, ctx) => {
    // If an object that contains this has a check, zod encodes once without this codec's checks.
    if (!isTypedArray(list, 'Int32Array')) return refuse(ctx, { expected: 'an Int32Array' });
    if (list.length > 0) return writeInt32List(list);
    return refuse(ctx, { expected: 'at least one number', received: 'none' });
  },
});

/** The spelling of a list that is not empty. For one number, joining would take ten times as long. */
export function writeInt32List(list: Int32Array): string {
  return list.length === 1 ? String(list[0]) : list.join(',');
}

/** The fault of a list. */
export type ListRefusal = Refusal & Pick<Rejection, 'received'>;

/**
 * Reads a list, or returns its fault, in one pass over its characters: a line may hold 32 000 numbers, and
 * the caller is blocked meanwhile.
 *
 * @param from The index in `text` at which the list begins.
 * @param to The index at which it ends.
 */
export function readInt32List(text: string, from: number, to: number): Int32Array | ListRefusal {
  const most = ((to - from) >> 1) + 1;
  const list = most <= scratch.length ? scratch : new Int32Array(most);
  let count = 0;
  for (let end = from - 1; end < to; count += 1) {
    const at = end + 1;
    const isNegative = at < to && text.charCodeAt(at) === MINUS;
    const first = isNegative ? at + 1 : at;
    let magnitude = 0;
    for (end = first; end < to; end += 1) {
      const digit = text.charCodeAt(end) - ZERO;
      if (digit < 0 || digit > 9) break;
      magnitude = 10 * magnitude + digit;
    }
    const digits = end - first;
    const value = isNegative ? -magnitude : magnitude;
    // No plus sign, no leading zero, no "-0": each number has exactly one spelling.
    const isUnique = text.charCodeAt(first) !== ZERO || (digits === 1 && !isNegative);
    const isEnd = end === to || text.charCodeAt(end) === COMMA;
    const isDecimal = digits > 0 && isEnd && isUnique;
    const isInt32 = digits <= MAX_DIGITS && value >= INT32_MIN && value <= INT32_MAX;
    if (!isDecimal || !isInt32) return refusalOf(text, { at, seen: end, to, count, isDecimal });
    list[count] = value;
  }
  return list.slice(0, count);
}

/** The place of a list's fault: the item begins `at`, and has been read up to `seen`. */
interface WrongItem {
  readonly at: number;
  readonly seen: number;
  /** The end of the list. */
  readonly to: number;
  /** The numbers before the item. */
  readonly count: number;
  readonly isDecimal: boolean;
}

/** Continues where the reader stopped, so that no part is read twice. */
function refusalOf(text: string, { at, seen, to, count, isDecimal }: WrongItem): ListRefusal {
  const comma = text.indexOf(',', seen);
  const end = comma < 0 ? to : Math.min(comma, to);
  const where = count > 0 || end < to ? `number ${count + 1} of the list to be ` : '';
  const received = printable(text.slice(at, end));
  return isDecimal
    ? {
        code: 'OUT_OF_RANGE',
        expected: `${where}a number from ${INT32_MIN} to ${INT32_MAX}`,
        received,
      }
    : {
        expected: `${where}a decimal int32 without spaces, plus sign or leading zeros`,
        received,
      };
}
