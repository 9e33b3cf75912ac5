import * as z from 'zod';
import { isTypedArray, refuse, Text } from './codec.js';
import { printable } from './printable.js';

export const INT32_MIN = -2147483648;
export const INT32_MAX = 2147483647;

/** A whole number that fits the GPU's `int`. */
export const Int32 = z.int32();

const Int32Vector = z.custom<Int32Array>(
  (value) => isTypedArray(value, 'Int32Array'),
  'an Int32Array',
);

// No plus sign, no leading zero, no "-0": each number has exactly one spelling.
const DECIMAL = /^(?:0|-?[1-9][0-9]*)$/;

/**
 * A vector of int32 and its spelling: decimal numbers, comma between them, at least one.
 * A single number is a vector of length one.
 */
export const Int32List = z.codec(Text, Int32Vector, {
  decode: (text, ctx) => {
    const items = text.split(',');
    const list = new Int32Array(items.length);
    for (const [index, item] of items.entries()) {
      const problem = whyNotInt32(item);
      if (problem !== undefined) {
        const where = items.length > 1 ? `number ${index + 1} of the list to be ` : '';
        return refuse(ctx, {
          ...problem,
          expected: where + problem.expected,
          received: printable(item),
        });
      }
      list[index] = Number(item);
    }
    return list;
  },
  encode: (list, ctx) => {
    // A check of an object that this is a part of makes zod encode once without the part's checks.
    if (!isTypedArray(list, 'Int32Array')) return refuse(ctx, { expected: 'an Int32Array' });
    if (list.length > 0) return list.join(',');
    return refuse(ctx, { expected: 'at least one number', received: 'none' });
  },
});

function whyNotInt32(text: string) {
  if (!DECIMAL.test(text)) {
    return { expected: 'a decimal int32 without spaces, plus sign or leading zeros' };
  }
  const value = Number(text);
  if (value < INT32_MIN || value > INT32_MAX) {
    return {
      code: 'OUT_OF_RANGE' as const,
      expected: `a number from ${INT32_MIN} to ${INT32_MAX}`,
    };
  }
  return undefined;
}
