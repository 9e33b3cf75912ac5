import assert from 'node:assert/strict';
import { types } from 'node:util';

import { DeviceError, type DeviceErrorCode } from './device-error.js';
import type { VectorAdder } from './vector-adder.js';

/** One thing that every `VectorAdder` does. */
export interface ConformanceCase {
  readonly name: string;
  /**
   * Opens a device, tries it and closes it. Rejects with an `AssertionError` if the device does
   * otherwise, or with what `open` rejected with. Has no time limit: a device that never answers is
   * for the test runner to stop.
   */
  readonly run: () => Promise<void>;
}

/**
 * The contract of `VectorAdder` as cases for any test runner, or for none. `open` gives a fresh
 * device for every case; cases that run at the same time have a device each.
 */
export function conformance(open: () => Promise<VectorAdder>): readonly ConformanceCase[] {
  return Object.entries(checks).map(([name, check]) => ({
    name,
    run: async () => {
      const adder = await open();
      try {
        await check(adder);
        await adder.close();
      } catch (error) {
        // What failed first is what to report, also if closing fails too.
        await adder.close().catch(() => undefined);
        throw asAssertionError(error);
      }
    },
  }));
}

type Check = (adder: VectorAdder) => Promise<void>;

const MIN = -(2 ** 31);
const MAX = 2 ** 31 - 1;

const plainSums: readonly Sum[] = [
  [100, 200, 300],
  [0, 0, 0],
  [-0, -0, 0],
  [-5, 3, -2],
  [0, MIN, MIN],
  [MAX, 0, MAX],
  [MAX, MIN, -1],
];

const wrappingSums: readonly Sum[] = [
  [MAX, 1, MIN],
  [1, MAX, MIN],
  [MIN, -1, MAX],
  [-1, MIN, MAX],
  [MAX, MAX, -2],
  [MIN, MIN, 0],
];

// The sizes around a warp and around common block sizes, and some that need many blocks.
const lengths = [0, 1, 2, 3, 31, 33, 255, 257, 1023, 1025, 65_536, 65_537, 1_048_579];

const checks: Readonly<Record<string, Check>> = {
  'says what it runs on, also after close()': async (adder) => {
    const device = { ...adder.device };
    assert.ok(['cuda', 'cpu'].includes(device.backend), `backend is ${device.backend}`);
    assert.ok(Number.isInteger(device.index) && device.index >= 0, `index is ${device.index}`);
    assert.notEqual(device.name, '', 'name');
    await adder.close();
    assert.deepEqual({ ...adder.device }, device);
  },

  'adds scalars': (adder) => checkScalars(adder, plainSums),
  'adds vectors': (adder) => checkVectors(adder, plainSums),
  'wraps scalar sums at both ends': (adder) => checkScalars(adder, wrappingSums),
  'wraps vector sums at both ends': (adder) => checkVectors(adder, wrappingSums),

  ...Object.fromEntries(
    lengths.map((length): [string, Check] => [
      `adds vectors of length ${length}`,
      async (adder) => {
        const a = someInts(length, 1);
        const b = someInts(length, 2);
        assertElements(await adder.add(a, b), sumOf(a, b));
      },
    ]),
  ),

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
      // Memory that comes back is as good as new.
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

  'settles many calls in flight in order of submission': async (adder) => {
    await submitMany(adder, 100).allSettledInOrder();
  },

  'rejects vectors of different lengths': async (adder) => {
    const around = submitMany(adder, 3);
    for (const [a, b] of [
      [2, 3],
      [3, 2],
      [0, 1],
      [1, 0],
    ] as const) {
      const call = () => adder.add(new Int32Array(a), new Int32Array(b));
      await assertRejects(call, 'LENGTH_MISMATCH');
    }
    await around.allSettledInOrder();
  },

  'rejects scalars that are not int32 integers': async (adder) => {
    const around = submitMany(adder, 3);
    for (const wrong of [MAX + 1, MIN - 1, 2 ** 32, 0.5, -0.5, NaN, Infinity, -Infinity]) {
      await assertRejects(() => adder.addScalar(wrong, 1), 'OUT_OF_RANGE');
      await assertRejects(() => adder.addScalar(1, wrong), 'OUT_OF_RANGE');
    }
    await around.allSettledInOrder();
  },

  'rejects operands of other types without throwing': async (adder) => {
    for (const wrong of [undefined, null, '1', 1n, Symbol('1'), [1], new Float32Array(1)]) {
      const scalar = wrong as unknown as number;
      await assertRejects(() => adder.addScalar(scalar, 1), 'OUT_OF_RANGE');
      await assertRejects(() => adder.addScalar(1, scalar), 'OUT_OF_RANGE');
      const vector = wrong as unknown as Int32Array;
      await assertRejects(() => adder.add(vector, new Int32Array(1)), 'OUT_OF_RANGE');
      await assertRejects(() => adder.add(new Int32Array(1), vector), 'OUT_OF_RANGE');
    }
  },

  'serves calls after a rejected one': async (adder) => {
    const before = submitMany(adder, 3);
    const one = assertRejects(() => adder.add(new Int32Array(1), new Int32Array(2)));
    const other = assertRejects(() => adder.addScalar(NaN, 0));
    const after = submitMany(adder, 3);
    await Promise.all([one, other, before.allSettledInOrder(), after.allSettledInOrder()]);
  },

  'waits in close() for the calls in flight': async (adder) => {
    const calls = submitMany(adder, 20);
    await adder.close();
    assert.equal(calls.settled(), 20, 'calls that had settled when close() did');
    await calls.allSettledInOrder();
  },

  'rejects calls that come while close() waits': async (adder) => {
    const calls = submitMany(adder, 3);
    const closing = adder.close();
    await assertClosed(adder);
    await closing;
    await calls.allSettledInOrder();
  },

  'rejects calls that come after close()': async (adder) => {
    await adder.close();
    await assertClosed(adder);
  },

  'can be closed again and again': async (adder) => {
    const calls = submitMany(adder, 3);
    const outcomes = await Promise.allSettled([adder.close(), adder.close()]);
    outcomes.push(...(await Promise.allSettled([adder.close()])));
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'fulfilled'],
    );
    await calls.allSettledInOrder();
  },
};

function asAssertionError(error: unknown): assert.AssertionError {
  if (error instanceof assert.AssertionError) return error;
  const failure = new assert.AssertionError({ message: `unexpected failure: ${String(error)}` });
  failure.cause = error;
  return failure;
}

/** Two operands and what they add up to. */
type Sum = readonly [a: number, b: number, sum: number];

async function checkScalars(adder: VectorAdder, sums: readonly Sum[]): Promise<void> {
  for (const [a, b, sum] of sums) {
    assert.equal(await adder.addScalar(a, b), sum, `sum of ${a} and ${b}`);
  }
}

async function checkVectors(adder: VectorAdder, sums: readonly Sum[]): Promise<void> {
  const a = Int32Array.from(sums, ([value]) => value);
  const b = Int32Array.from(sums, ([, value]) => value);
  const expected = Int32Array.from(sums, ([, , value]) => value);
  assertElements(await adder.add(a, b), expected);
}

/** Calls in flight. Their failures wait here, so that none counts as unhandled meanwhile. */
interface InFlight {
  /** How many have given a result so far. */
  readonly settled: () => number;
  /** Waits for all, and checks that each gave its sum and that they did so in order. */
  readonly allSettledInOrder: () => Promise<void>;
}

/** Makes calls without waiting: scalars and vectors by turns, large, small and empty ones. */
function submitMany(adder: VectorAdder, count: number): InFlight {
  const order: number[] = [];
  const numbers = Array.from({ length: count }, (_, i) => i);
  const outcomes = Promise.allSettled(
    numbers.map((i) => {
      if (i % 2 === 1) {
        return adder.addScalar(i, MAX).then((sum) => {
          order.push(i);
          assert.equal(sum, (i + MAX) | 0, `sum of ${i} and ${MAX}`);
        });
      }
      const length = [10_000, 1, 0, 100][(i / 2) % 4];
      const a = someInts(length ?? 0, i);
      const b = someInts(length ?? 0, i + 1);
      return adder.add(a, b).then((sum) => {
        order.push(i);
        assertElements(sum, sumOf(a, b));
      });
    }),
  );
  return {
    settled: () => order.length,
    allSettledInOrder: async () => {
      for (const [i, outcome] of (await outcomes).entries()) {
        if (outcome.status === 'rejected') assert.fail(`call ${i}: ${String(outcome.reason)}`);
      }
      assert.deepEqual(order, numbers, 'order in which the calls settled');
    },
  };
}

async function assertClosed(adder: VectorAdder): Promise<void> {
  await assertRejects(() => adder.addScalar(1, 2), 'DEVICE_CLOSED');
  await assertRejects(() => adder.add(Int32Array.of(1), Int32Array.of(2)), 'DEVICE_CLOSED');
  await assertRejects(() => adder.add(new Int32Array(0), new Int32Array(0)), 'DEVICE_CLOSED');
  await assertRejects(() => adder.allocate(1), 'DEVICE_CLOSED');
  await assertRejects(() => adder.allocate(0), 'DEVICE_CLOSED');
}

async function assertRejects(call: () => Promise<unknown>, code?: DeviceErrorCode): Promise<void> {
  let promise;
  try {
    promise = call();
  } catch (error) {
    assert.fail(`threw synchronously: ${String(error)}`);
  }
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof DeviceError, `rejected with ${String(error)}, not a DeviceError`);
    if (code !== undefined) assert.equal(error.code, code);
    return true;
  });
}

/**
 * Compares by content and not with `deepEqual`, which wants the same prototype: native code gives
 * arrays of the main realm also to a test runner that lives in a realm of its own.
 */
function assertElements(actual: Int32Array, expected: Int32Array): void {
  assert.ok(types.isInt32Array(actual), `expected an Int32Array, received ${typeof actual}`);
  assert.equal(actual.length, expected.length, 'number of elements');
  const wrong = expected.findIndex((value, i) => actual[i] !== value);
  if (wrong >= 0) assert.equal(actual[wrong], expected[wrong], `element ${wrong}`);
}

function sumOf(a: Int32Array, b: Int32Array): Int32Array {
  return a.map((value, i) => (value + (b[i] ?? 0)) | 0);
}

/** Numbers from the whole range of int32, the same ones for the same seed. */
function someInts(length: number, seed: number): Int32Array {
  const ints = new Int32Array(length);
  let state = seed;
  // A linear congruential generator; the constants are those of Numerical Recipes.
  for (let i = 0; i < length; i++) ints[i] = state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return ints;
}
