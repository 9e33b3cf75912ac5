import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RecentDurations } from '../../src/telemetry/recent-durations.js';

const MINUTE_MS = 60_000;

function recorded(all: readonly number[]): RecentDurations {
  const durations = new RecentDurations();
  for (const ms of all) durations.record(ms, 0);
  return durations;
}

/** The least of the values below or at which there is such a share of them. */
function exact(all: readonly number[], share: number): number {
  const sorted = all.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? NaN;
}

describe('percentiles', () => {
  test('of nothing are nothing', () => {
    expect(new RecentDurations().percentiles(0)).toBeUndefined();
  });

  test('of one duration are that one, to a sixteenth', () => {
    const { p50, p95, p99 } = recorded([10]).percentiles(0) ?? {};
    expect([p50, p95, p99]).toEqual([p50, p50, p50]);
    expect(p50).toBeGreaterThan(10 * (15 / 16));
    expect(p50).toBeLessThan(10 * (17 / 16));
  });

  test('tell microseconds apart', () => {
    expect(recorded([0, 0.003, 0.007]).percentiles(0)).toEqual({
      p50: 0.003,
      p95: 0.007,
      p99: 0.007,
    });
  });

  test('count longer durations as an hour', () => {
    const most = recorded([2 ** 32 / 1000]).percentiles(0);
    expect(recorded([1e12]).percentiles(0)).toEqual(most);
    expect(most?.p50).toBeGreaterThan(3_600_000);
  });

  test('property: are those of all values, to a sixteenth and a microsecond', () => {
    const ms = fc.double({ min: 0, max: 4_000_000, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.oneof(ms, fc.nat(20)), { minLength: 1 }), (all) => {
        const found = recorded(all).percentiles(0);
        for (const [share, value = NaN] of [
          [0.5, found?.p50],
          [0.95, found?.p95],
          [0.99, found?.p99],
        ] as const) {
          const expected = exact(all, share);
          expect(Math.abs(value - expected)).toBeLessThanOrEqual(expected / 16 + 0.001);
        }
      }),
    );
  });
});

describe('the window', () => {
  test('forgets durations older than five minutes, a minute at a time', () => {
    const durations = new RecentDurations();
    for (let minute = 0; minute < 5; minute += 1) durations.record(1, minute * MINUTE_MS);
    durations.record(7, 5 * MINUTE_MS);
    durations.record(7, 5 * MINUTE_MS);
    durations.record(7, 5 * MINUTE_MS);
    durations.record(7, 5 * MINUTE_MS);
    durations.record(7, 5 * MINUTE_MS);
    // The first of the five ones is out of it: five sevens are more than half.
    expect(durations.percentiles(5 * MINUTE_MS)?.p50).toBeGreaterThan(6);
    expect(durations.percentiles(9.9 * MINUTE_MS)?.p50).toBeGreaterThan(6);
    expect(durations.percentiles(10 * MINUTE_MS)).toBeUndefined();
  });

  test('holds durations after a long pause, and none from before', () => {
    const durations = recorded([100]);
    durations.record(1, 500 * MINUTE_MS);
    expect(durations.percentiles(500 * MINUTE_MS)?.p99).toBeLessThan(2);
  });
});
