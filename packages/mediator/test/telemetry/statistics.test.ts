import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Statistics } from '../../src/telemetry/statistics.js';
import type { FinishedRequest, Outcome } from '../../src/telemetry/finished-request.js';

const OUTCOMES: Outcome[] = ['OK', 'WITHDRAWN', 'UNDELIVERABLE', 'BAD_REQUEST', 'DEADLINE'];

const X = { vm: 1, slot: 'x' };

const request = fc.record(
  {
    vm: fc.integer({ min: 1, max: 0xffff_ffff }),
    slot: fc.constantFrom('x', '.'),
    pool: fc.constantFrom('A' as const, 'B' as const),
    priority: fc.constantFrom(0 as const, 1 as const, 2 as const),
    outcome: fc.constantFrom(...OUTCOMES),
    waitMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
    execMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
  },
  { requiredKeys: ['vm', 'slot', 'outcome'] },
);

function snapshotOf(requests: readonly FinishedRequest[]) {
  const statistics = new Statistics();
  for (const finished of requests) statistics.record(finished, 0);
  return statistics.snapshot();
}

describe('totals', () => {
  test('of nothing are nothing', () => {
    expect(snapshotOf([])).toEqual({
      requests: 0,
      outcome: {},
      pool: {},
      priority: {},
      vm: {},
      claimsOverridden: {},
      waitMs: undefined,
      execMs: undefined,
    });
  });

  test('are counted by outcome, pool, priority and VM', () => {
    const snapshot = snapshotOf([
      { ...X, pool: 'A', priority: 2, outcome: 'OK', waitMs: 1, execMs: 1 },
      { ...X, pool: 'B', priority: 0, outcome: 'OK', waitMs: 1, execMs: 1 },
      { ...X, vm: 2, pool: 'B', priority: 1, outcome: 'DEADLINE', waitMs: 1, execMs: 1 },
      { ...X, vm: 2, pool: 'B', priority: 0, outcome: 'WITHDRAWN' },
      { ...X, vm: 7, outcome: 'BAD_REQUEST' },
    ]);
    expect(snapshot).toMatchObject({
      requests: 5,
      outcome: { OK: 2, DEADLINE: 1, WITHDRAWN: 1, BAD_REQUEST: 1 },
      pool: { A: 1, B: 3 },
      priority: { high: 1, medium: 1, low: 2 },
      vm: { 1: 2, 2: 2, 7: 1 },
    });
  });

  test('property: add up', () => {
    const sum = (counts: Readonly<Record<string, number>>) =>
      Object.values(counts).reduce((total, count) => total + count, 0);
    fc.assert(
      fc.property(fc.array(request), (requests) => {
        const { requests: total, ...by } = snapshotOf(requests);
        expect(total).toBe(requests.length);
        expect(sum(by.outcome)).toBe(total);
        expect(sum(by.vm)).toBe(total);
        expect(sum(by.pool)).toBe(requests.filter(({ pool }) => pool !== undefined).length);
        expect(sum(by.priority)).toBe(
          requests.filter(({ priority }) => priority !== undefined).length,
        );
      }),
    );
  });

  test('of a snapshot stay as they were', () => {
    const statistics = new Statistics();
    statistics.record({ ...X, outcome: 'OK' }, 0);
    const snapshot = statistics.snapshot();
    statistics.record({ ...X, outcome: 'OK' }, 0);
    expect(snapshot).toMatchObject({ requests: 1, vm: { 1: 1 } });
    expect(statistics.snapshot()).toMatchObject({ requests: 2, vm: { 1: 2 } });
  });
});

describe('totals of a VM', () => {
  function vmOf(requests: readonly FinishedRequest[]) {
    const statistics = new Statistics();
    for (const finished of requests) statistics.record(finished, 0);
    return statistics.vms.get(1);
  }

  test('tell sums, errors and withdrawals apart', () => {
    const outcomes: Outcome[] = ['OK', 'OK', 'OK', 'WITHDRAWN', 'UNDELIVERABLE', 'BAD_REQUEST'];
    const vm = vmOf(outcomes.map((outcome) => ({ ...X, outcome })));
    expect(vm).toMatchObject({ requests: 6, answered: 3, errors: 2, withdrawn: 1 });
  });

  test('add up the time on devices and the claims that were overridden', () => {
    const vm = vmOf([
      { ...X, outcome: 'OK', waitMs: 1, execMs: 2, isClaimOverridden: true },
      { ...X, outcome: 'DEADLINE', waitMs: 1, execMs: 3 },
      { ...X, vm: 2, outcome: 'OK', waitMs: 1, execMs: 100, isClaimOverridden: true },
    ]);
    expect(vm).toMatchObject({ requests: 2, deviceMs: 5, claimsOverridden: 1 });
  });

  test('keep the pool and the priority of the last request that had them', () => {
    const vm = vmOf([
      { ...X, pool: 'A', priority: 1, outcome: 'OK' },
      { ...X, pool: 'B', priority: 0, outcome: 'OK' },
      { ...X, outcome: 'BAD_REQUEST' },
    ]);
    expect(vm).toMatchObject({ pool: 'B', priority: 0 });
  });
});

describe('durations', () => {
  const at = (waitMs: number): FinishedRequest => ({ ...X, outcome: 'OK', waitMs });

  test('are those of requests that got so far', () => {
    const snapshot = snapshotOf([
      { ...X, outcome: 'OK', waitMs: 10, execMs: 20 },
      { ...X, outcome: 'WITHDRAWN' },
    ]);
    expect(snapshot.waitMs?.mean).toBeCloseTo(10, 1);
    expect(snapshot.execMs?.mean).toBeCloseTo(20, 1);
  });

  test('give mean, median, 99th percentile and maximum in milliseconds', () => {
    const { waitMs } = snapshotOf(Array.from({ length: 100 }, (_, i) => at(i + 1)));
    expect(waitMs?.mean).toBeCloseTo(50.5, 1);
    expect(waitMs?.p50).toBeCloseTo(50, 1);
    expect(waitMs?.p99).toBeCloseTo(99, 0);
    expect(waitMs?.max).toBeCloseTo(100, 0);
  });

  test('are resolved to microseconds, and the shortest counts as one', () => {
    expect(snapshotOf([at(0.123)]).waitMs).toMatchObject({ p50: 0.123, max: 0.123 });
    expect(snapshotOf([at(0)]).waitMs).toMatchObject({ mean: 0.001, max: 0.001 });
  });

  test('property: lie between the shortest and the longest, to a thousandth', () => {
    const times = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(times, (all) => {
        const { waitMs } = snapshotOf(all.map(at));
        const [least, most] = [Math.min(...all), Math.max(...all)];
        for (const value of [waitMs?.mean, waitMs?.p50, waitMs?.p99, waitMs?.max]) {
          expect(value).toBeGreaterThanOrEqual(least * 0.999 - 0.001);
          expect(value).toBeLessThanOrEqual(most * 1.001 + 0.001);
        }
      }),
    );
  });
});
