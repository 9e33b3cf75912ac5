import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { childOf, describeOnStub, runChild } from './support/stub.js';

interface Line {
  readonly row: string;
  readonly isOut: boolean;
  readonly isRight: boolean;
  readonly areOperandsKept: boolean;
  readonly isGuarded: boolean;
  readonly times: readonly string[];
}

// One element, the scratch memory's limit and one more, several chunks, several units.
const lengths = [1, 16_384, 16_385, 300_000, 3_000_000];
const places = [
  ['pinned', 'pinned', 'pinned'],
  ['pinned view', 'pinned', 'pinned view'],
  ['pinned', 'pinned', 'a'],
  ['pinned view', 'pinned view', 'b'],
  ['pinned', 'a', 'a'],
  ['pinned', 'pinned', 'a new array'],
  ['pinned', 'pinned', 'ordinary view'],
  ['pinned', 'ordinary', 'pinned'],
  ['ordinary view', 'pinned view', 'pinned view'],
  ['ordinary', 'ordinary', 'pinned'],
  ['ordinary', 'ordinary', 'a new array'],
  ['ordinary', 'ordinary', 'ordinary'],
  ['ordinary view', 'ordinary', 'ordinary view'],
  ['ordinary view', 'ordinary view', 'a'],
  ['ordinary', 'pinned', 'b'],
  ['ordinary', 'a', 'a'],
  ['shared', 'shared', 'shared'],
] as const;
const rows = lengths.flatMap((length) =>
  places.map((place): [number, ...(readonly [string, string, string])] => [length, ...place]),
);

/** Whether it is a single launch, whose time the device measures. */
function isOneLaunch(length: number, ...where: readonly string[]): boolean {
  return length <= 16_384 || !/ordinary|shared|new/.test(where.join());
}

describeOnStub('the sum of vectors', () => {
  const child = childOf<Line>('out', { args: rows.map((row) => row.join(', ')) });

  test.each(rows)('of %d elements: %s + %s to %s', (length, ...where) => {
    const row = [length, ...where].join(', ');
    expect(child().lines.find((line) => line.row === row)).toEqual({
      row,
      isOut: true,
      isRight: true,
      areOperandsKept: true,
      isGuarded: true,
      times: isOneLaunch(length, ...where) ? ['number'] : [],
    });
  });

  test('is right for vectors of any length in any memory', async () => {
    const place = fc.constantFrom('pinned', 'pinned view', 'ordinary', 'ordinary view', 'shared');
    const length = fc.oneof(
      fc.nat({ max: 3 }),
      fc.integer({ min: 16_370, max: 16_400 }),
      fc.nat({ max: 140_000 }),
    );
    const row = fc.tuple(
      length,
      place,
      fc.oneof(place, fc.constant('a')),
      fc.oneof(place, fc.constantFrom('a', 'b', 'a new array')),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
        const args = rows.map((row) => row.join(', '));
        const { status, lines } = await runChild<Line>('out', { args });
        expect(status).toBe(0);
        const right = { isOut: true, isRight: true, areOperandsKept: true, isGuarded: true };
        expect(lines).toEqual(args.map((row) => ({ row, ...right, times: expect.any(Array) })));
      }),
      { numRuns: 8, endOnFailure: true },
    );
  });
});
