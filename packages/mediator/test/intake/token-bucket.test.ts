import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TokenBucket } from '../../src/intake/token-bucket.js';

test('lets a burst pass, then the rate, and says when to come again', () => {
  const bucket = new TokenBucket();
  const limit = { perSecond: 10, burst: 3 };
  const take = (nowMs: number) => bucket.take(limit, nowMs);
  expect([take(0), take(0), take(0)]).toEqual([0, 0, 0]);
  expect(take(0)).toBe(100);
  expect(take(40)).toBe(60);
  expect(take(100)).toBe(0);
  expect(take(100)).toBe(100);
  // Full again, and not more than full.
  expect([take(9000), take(9000), take(9000)]).toEqual([0, 0, 0]);
  expect(take(9000)).toBe(100);
});

test('property: passes no more than burst and rate, and a request after the given wait passes', () => {
  const arbitraryPauses = fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 200 });
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 1000, noNaN: true }),
      fc.integer({ min: 1, max: 20 }),
      arbitraryPauses,
      (perSecond, burst, pauses) => {
        const bucket = new TokenBucket();
        let [nowMs, passed] = [0, 0];
        for (const pauseMs of pauses) {
          nowMs += pauseMs;
          const waitMs = bucket.take({ perSecond, burst }, nowMs);
          if (waitMs === 0) passed += 1;
          else {
            expect(bucket.take({ perSecond, burst }, nowMs + waitMs)).toBe(0);
            nowMs += waitMs;
            passed += 1;
          }
          expect(passed).toBeLessThanOrEqual(burst + (nowMs / 1000) * perSecond + 2e-6);
        }
      },
    ),
    // Rounding leaves a token slightly short here.
    { examples: [[0.10000000000000002, 5, [0, 466, 88, 325, 147, 223]]] },
  );
});
