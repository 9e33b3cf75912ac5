import { expect, test } from '@jest/globals';
import { toNs } from '../src/time.js';

test('milliseconds become nanoseconds, also if they have a fraction', () => {
  expect(toNs(1_795_424_685_871)).toBe(1_795_424_685_871_000_000n);
  expect(toNs(1.5)).toBe(2_000_000n);
});
