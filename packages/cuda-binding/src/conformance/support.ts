import assert from 'node:assert/strict';
import { types } from 'node:util';

import { DeviceError, type DeviceErrorCode } from '../device-error.js';
import type { VectorAdder } from '../vector-adder.js';

/** Tries a device; rejects with an `AssertionError` if it behaves otherwise. */
export type Check = (adder: VectorAdder) => Promise<void>;

export const MIN = -(2 ** 31);
export const MAX = 2 ** 31 - 1;

/** Calls in flight. Their failures are kept, so that none counts as unhandled meanwhile. */
export interface InFlight {
  /** The number of calls that have resolved so far. */
  readonly settled: () => number;
  /** Waits for all, and checks their sums and the order in which they settled. */
  readonly allSettledInOrder: () => Promise<void>;
}

/** Makes calls without waiting: scalars and vectors by turns, large, small and empty ones. */
export function submitMany(adder: VectorAdder, count: number): InFlight {
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

export async function assertClosed(adder: VectorAdder): Promise<void> {
  await assertRejects(() => adder.addScalar(1, 2), 'DEVICE_CLOSED');
  await assertRejects(() => adder.add(Int32Array.of(1), Int32Array.of(2)), 'DEVICE_CLOSED');
  await assertRejects(() => adder.add(new Int32Array(0), new Int32Array(0)), 'DEVICE_CLOSED');
  await assertRejects(() => adder.allocate(1), 'DEVICE_CLOSED');
  await assertRejects(() => adder.allocate(0), 'DEVICE_CLOSED');
}

export async function assertRejects(
  call: () => Promise<unknown>,
  code?: DeviceErrorCode,
): Promise<void> {
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
 * Compares by content and not with `deepEqual`, which compares prototypes: native code makes arrays of
 * the main realm, and a test runner may have a realm of its own.
 */
export function assertElements(actual: Int32Array, expected: Int32Array): void {
  assert.ok(types.isInt32Array(actual), `expected an Int32Array, received ${typeof actual}`);
  assert.equal(actual.length, expected.length, 'number of elements');
  const wrong = expected.findIndex((value, i) => actual[i] !== value);
  if (wrong >= 0) assert.equal(actual[wrong], expected[wrong], `element ${wrong}`);
}

export function sumOf(a: Int32Array, b: Int32Array): Int32Array {
  return a.map((value, i) => (value + (b[i] ?? 0)) | 0);
}

/** Numbers from the whole range of int32, the same ones for the same seed. */
export function someInts(length: number, seed: number): Int32Array {
  const ints = new Int32Array(length);
  let state = seed;
  // A linear congruential generator; the constants are those of Numerical Recipes.
  for (let i = 0; i < length; i++) ints[i] = state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return ints;
}
