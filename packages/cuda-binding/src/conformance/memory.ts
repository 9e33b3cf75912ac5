import assert from 'node:assert/strict';

import {
  assertElements,
  assertRejects,
  someInts,
  submitMany,
  sumOf,
  type Check,
} from './support.js';

/** The memory that is read and written, and who may use it. */
export const memory: Readonly<Record<string, Check>> = {
  'adds views into larger buffers': async (adder) => {
    const buffer = someInts(100, 3);
    const before = buffer.slice();
    // Overlapping on purpose, and at offsets that are not multiples of 8 or 16 bytes.
    const a = buffer.subarray(1, 38);
    const b = buffer.subarray(19, 56);
    assertElements(await adder.add(a, b), sumOf(a, b));
    assertElements(buffer, before);
  },

  'adds a vector to itself': async (adder) => {
    const a = someInts(100, 4);
    assertElements(await adder.add(a, a), sumOf(a, a));
  },

  'leaves the operands as they are': async (adder) => {
    const a = someInts(100, 5);
    const b = someInts(100, 6);
    const [beforeA, beforeB] = [a.slice(), b.slice()];
    await adder.add(a, b);
    assertElements(a, beforeA);
    assertElements(b, beforeB);
  },

  'gives results that share no memory with the operands': async (adder) => {
    const a = someInts(100, 7);
    const b = someInts(100, 8);
    const [beforeA, beforeB] = [a.slice(), b.slice()];
    const sum = await adder.add(a, b);
    sum.fill(0);
    assertElements(a, beforeA);
    assertElements(b, beforeB);
    a.fill(1);
    b.fill(1);
    assertElements(sum, new Int32Array(100));
  },

  'gives results that share no memory with other results': async (adder) => {
    const a = someInts(100, 9);
    const b = someInts(100, 10);
    const first = await adder.add(a, b);
    const second = await adder.add(a, a);
    assertElements(first, sumOf(a, b));
    first.fill(0);
    assertElements(second, sumOf(a, a));
  },

  'puts sums where the caller wants them': async (adder) => {
    for (const length of [1, 100, 65_537]) {
      const a = someInts(length, 11);
      const b = someInts(length, 12);
      const [beforeA, beforeB] = [a.slice(), b.slice()];
      const out = someInts(length, 13);
      assert.equal(await adder.add(a, b, { out }), out, 'the result is `out`');
      assertElements(out, sumOf(beforeA, beforeB));
      assertElements(a, beforeA);
      assertElements(b, beforeB);
    }
    const out = new Int32Array(0);
    assert.equal(await adder.add(new Int32Array(0), new Int32Array(0), { out }), out);
  },

  'puts sums into an operand': async (adder) => {
    for (const length of [1, 100, 65_537]) {
      const a = someInts(length, 14);
      const b = someInts(length, 15);
      const first = sumOf(a, b);
      assert.equal(await adder.add(a, b, { out: a }), a, 'the result is `out`');
      assertElements(a, first);
      const second = sumOf(a, b);
      assertElements(await adder.add(a, b, { out: b }), second);
      assertElements(a, first);
      const third = sumOf(b, b);
      assertElements(await adder.add(b, b, { out: b }), third);
    }
  },

  'puts sums into views, and nothing beside them': async (adder) => {
    const buffer = someInts(100, 16);
    const expected = buffer.slice();
    const [a, b] = [buffer.subarray(1, 21), buffer.subarray(11, 31)];
    // Between others, at an offset that is no multiple of 8 bytes, and touching an operand.
    const out = buffer.subarray(31, 51);
    expected.set(sumOf(a, b), 31);
    await adder.add(a, b, { out });
    assertElements(buffer, expected);
  },

  'rejects an `out` that can not take the sum': async (adder) => {
    const around = submitMany(adder, 3);
    const buffer = someInts(100, 17);
    const before = buffer.slice();
    const [a, b] = [buffer.subarray(10, 20), buffer.subarray(50, 60)];
    const wrong = [
      new Int32Array(9),
      new Int32Array(11),
      new Float32Array(10),
      [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      null,
      buffer.subarray(11, 21),
      buffer.subarray(1, 11),
      buffer.subarray(59, 69),
    ] as readonly Int32Array[];
    for (const out of wrong) await assertRejects(() => adder.add(a, b, { out }), 'INVALID_OPTION');
    assertElements(buffer, before);
    await around.allSettledInOrder();
  },

  'allocates arrays of zeros': async (adder) => {
    for (const length of [0, 1, 3, 1000, 1_048_579]) {
      const array = await adder.allocate(length);
      assertElements(array, new Int32Array(length));
      // If the memory is reused, it is wiped before.
      array.fill(-1);
    }
  },

  'allocates arrays that share no memory': async (adder) => {
    const arrays = await Promise.all([10, 1000, 10].map((length) => adder.allocate(length)));
    for (const [i, array] of arrays.entries()) array.fill(i + 1);
    for (const [i, array] of arrays.entries()) {
      assertElements(array, new Int32Array(array.length).fill(i + 1));
    }
  },

  'adds what is in allocated arrays': async (adder) => {
    for (const length of [1, 100, 65_537]) {
      const [a, b, out] = await Promise.all([1, 2, 3].map(() => adder.allocate(length + 3)));
      assert.ok(a !== undefined && b !== undefined && out !== undefined);
      a.set(someInts(length + 3, 18));
      b.set(someInts(length + 3, 19));
      const ordinary = someInts(length + 3, 20);
      assertElements(await adder.add(a, b, { out }), sumOf(a, b));
      assertElements(await adder.add(a, b), sumOf(a, b));
      assertElements(await adder.add(ordinary, b, { out }), sumOf(ordinary, b));
      assertElements(await adder.add(a, ordinary), sumOf(a, ordinary));
      // Parts, at offsets that are not multiples of 8 or 16 bytes.
      const expected = sumOf(a.subarray(1, 1 + length), b.subarray(3));
      assertElements(await adder.add(a.subarray(1, 1 + length), b.subarray(3)), expected);
      const part = out.subarray(2, 2 + length);
      await adder.add(a.subarray(1, 1 + length), b.subarray(3), { out: part });
      assertElements(part, expected);
    }
  },

  'leaves allocated arrays usable after close()': async (adder) => {
    const a = (await adder.allocate(100)).fill(1);
    const sum = await adder.add(a, a, { out: await adder.allocate(100) });
    await adder.close();
    assertElements(sum, new Int32Array(100).fill(2));
    sum.fill(3);
    assertElements(sum, new Int32Array(100).fill(3));
    assertElements(a, new Int32Array(100).fill(1));
  },

  'rejects lengths that no array has': async (adder) => {
    for (const wrong of [-1, 0.5, NaN, Infinity, 2 ** 53, '1', undefined, null]) {
      await assertRejects(() => adder.allocate(wrong as number), 'INVALID_OPTION');
    }
  },
};
