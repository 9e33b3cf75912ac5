import assert from 'node:assert/strict';

import type { VectorAdder } from '../vector-adder.js';
import { assertElements, MAX, MIN, someInts, sumOf, type Check } from './support.js';

/** Two operands and their sum. */
type Sum = readonly [a: number, b: number, sum: number];

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

/** The sums themselves. */
export const sums: Readonly<Record<string, Check>> = {
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
};

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
