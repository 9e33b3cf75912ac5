import { describe, expect, test } from '@jest/globals';

import { conformance } from '../src/conformance.js';
import { CpuVectorAdder } from '../src/index.js';
import type { VectorAdder } from '../src/index.js';
import * as fakes from './fakes.js';

describe.each([0, 2])('a CPU device with delayMs %d', (delayMs) => {
  const cases = conformance(() => Promise.resolve(new CpuVectorAdder({ delayMs })));

  test.each(cases)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe('the suite itself', () => {
  const caught: readonly [fake: keyof typeof fakes, by: string][] = [
    ['FakeNamelessAdder', 'says what it runs on, also after close()'],
    ['FakeSaturatingAdder', 'wraps scalar sums at both ends'],
    ['FakeSaturatingAdder', 'wraps vector sums at both ends'],
    ['FakeFloatAdder', 'adds scalars'],
    ['FakeFloatAdder', 'adds vectors'],
    ['FakeShortSightedAdder', 'adds vectors of length 1'],
    ['FakeShortSightedAdder', 'adds vectors of length 33'],
    ['FakeSmallAdder', 'adds vectors of length 65537'],
    ['FakeEmptyGridAdder', 'adds vectors of length 0'],
    ['FakeOffsetBlindAdder', 'adds views into larger buffers'],
    ['FakeDeduplicatingAdder', 'adds a vector to itself'],
    ['FakeInPlaceAdder', 'leaves the operands as they are'],
    ['FakeInPlaceAdder', 'gives results that share no memory with the operands'],
    ['FakeReusingAdder', 'gives results that share no memory with other results'],
    ['FakeStubbornAdder', 'puts sums where the caller wants them'],
    ['FakeStubbornAdder', 'puts sums into an operand'],
    ['FakeClearingAdder', 'puts sums into an operand'],
    ['FakeBlockwiseAdder', 'puts sums into views, and nothing beside them'],
    ['FakeTolerantAdder', 'rejects an `out` that can not take the sum'],
    ['FakeDirtyAdder', 'allocates arrays of zeros'],
    ['FakeArenaAdder', 'allocates arrays that share no memory'],
    ['FakeBaseAddressAdder', 'adds what is in allocated arrays'],
    ['FakeReclaimingAdder', 'leaves allocated arrays usable after close()'],
    ['FakeRoundingAdder', 'rejects lengths that no array has'],
    ['FakeOvertakingAdder', 'settles many calls in flight in order of submission'],
    ['FakeLenientAdder', 'rejects vectors of different lengths'],
    ['FakeTruncatingAdder', 'rejects scalars that are not int32 integers'],
    ['FakeUntypedAdder', 'rejects scalars that are not int32 integers'],
    ['FakeThrowingAdder', 'rejects operands of other types without throwing'],
    ['FakePoisonedAdder', 'serves calls after a rejected one'],
    ['FakeHastyAdder', 'waits in close() for the calls in flight'],
    ['FakeTardyAdder', 'rejects calls that come while close() waits'],
    ['FakeImmortalAdder', 'rejects calls that come after close()'],
    ['FakeHoardingAdder', 'rejects calls that come while close() waits'],
    ['FakeHoardingAdder', 'rejects calls that come after close()'],
    ['FakeFragileAdder', 'can be closed again and again'],
  ];

  test.each(caught)('catches %s: %s', async (fake, by) => {
    const found = casesFor(new fakes[fake]()).find(({ name }) => name === by);
    await expect(found?.run()).rejects.toMatchObject({ name: 'AssertionError' });
  });

  test('has no case that catches nothing', () => {
    const proven = caught.map(([, by]) => by);
    const unproven = casesFor(new CpuVectorAdder())
      .map(({ name }) => name)
      .filter((name) => !proven.includes(name) && !name.startsWith('adds vectors of length '));
    expect(unproven).toEqual([]);
  });

  test('reports what the device could not be opened for', async () => {
    const reason = new Error('no device');
    const [first] = conformance(() => Promise.reject(reason));
    await expect(first?.run()).rejects.toBe(reason);
  });
});

function casesFor(adder: VectorAdder) {
  return conformance(() => Promise.resolve(adder));
}
