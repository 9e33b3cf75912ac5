import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RequestRejectedError, VgpuError } from '../src/errors.js';
import { arrivals, type ArrivalProcess } from '../src/cli/bench/arrivals.js';
import { Tally, Times } from '../src/cli/bench/figures.js';
import { isSum } from '../src/cli/bench/operands.js';
import { jsonOf, textOf } from '../src/cli/bench/report.js';
import { countedFrom, type Sample } from '../src/cli/bench/sample.js';
import { table } from '../src/cli/bench/report.js';
import { WaitBars } from '../src/cli/bench/wait-bars.js';

/** The first moments at which requests are due. */
function due(process: ArrivalProcess, perSecond: number, count: number, random: () => number) {
  const moments = arrivals(process, perSecond, random);
  return Array.from({ length: count }, () => moments.next().value);
}

describe('arrivals', () => {
  test('are evenly apart, from a moment within the first gap on', () => {
    expect(due('constant', 4, 3, () => 0.5)).toEqual([125, 375, 625]);
  });

  test('of a Poisson process have gaps of -ln(1-u) means', () => {
    const [first = 0, second = 0] = due('poisson', 1000, 2, () => 1 - Math.exp(-3));
    expect(first).toBeCloseTo(3, 6);
    expect(second).toBeCloseTo(6, 6);
  });

  test.each(['poisson', 'constant'] as const)('come at the rate that was asked for: %s', (name) => {
    let state = 1;
    const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    const moments = due(name, 50, 20_000, random);
    expect(moments.at(-1)).toBeGreaterThan(0.97 * 400_000);
    expect(moments.at(-1)).toBeLessThan(1.03 * 400_000);
    expect(moments.toSorted((a, b) => a - b)).toEqual(moments);
  });
});

describe('a wait', () => {
  test('counts from when the request was due, but for the millisecond of a timer', () => {
    expect(countedFrom(100, 100)).toBe(100);
    expect(countedFrom(100, 100.7)).toBe(100.7);
    expect(countedFrom(100, 350)).toBe(101);
  });
});

describe('an answer', () => {
  test('is right if it is the sum, wrapped like an int32', () => {
    const operands = { a: Int32Array.of(2 ** 31 - 1, 5), b: Int32Array.of(1, -7) };
    expect(isSum(Int32Array.of(-(2 ** 31), -2), operands)).toBe(true);
    expect(isSum(Int32Array.of(-(2 ** 31), -3), operands)).toBe(false);
    expect(isSum(Int32Array.of(-(2 ** 31)), operands)).toBe(false);
  });
});

describe('times', () => {
  test('have the quantiles of the recorded times, within a thousandth', () => {
    const waits = fc.array(fc.float({ min: Math.fround(0.01), max: 1e5, noNaN: true }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(waits, fc.integer({ min: 1, max: 100 }), (values, percent) => {
        const times = new Times();
        for (const value of values) times.add(value);
        const rank = Math.max(1, Math.round((percent / 100) * values.length));
        const exact = values.toSorted((a, b) => a - b)[rank - 1] ?? NaN;
        const found = times.percentile(percent) ?? NaN;
        // A whole microsecond, and one in a thousand.
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(0.0011 + exact / 900);
      }),
    );
    expect(new Times().percentile(50)).toBeUndefined();
  });

  test('are counted by their magnitude', () => {
    const bars = new WaitBars();
    expect(bars.bars()).toEqual([]);
    for (const ms of [0.25, 0.49, 0.5, 3, 3.1, 7000]) bars.add(ms);
    expect(bars.bars().slice(0, 4)).toEqual([
      { toMs: 0.5, count: 2 },
      { toMs: 1, count: 1 },
      { toMs: 2, count: 0 },
      { toMs: 5, count: 2 },
    ]);
    expect(bars.bars().at(-1)).toEqual({ toMs: 10_000, count: 1 });
  });
});

describe('a table', () => {
  test('has numbers to the right, and all else to the left', () => {
    const rows = [
      { priority: 'high', sent: '5', '': '##' },
      { priority: 'all', sent: '-', errors: '1000', '': '' },
    ];
    expect(table(rows)).toBe(
      ['priority  sent      errors', 'high         5  ##', 'all          -        1000'].join('\n'),
    );
    expect(table([])).toBe('');
  });
});

describe('the figures', () => {
  const tally = new Tally();
  const done = (priority: Sample['priority'], waitMs: number, error?: VgpuError) => {
    tally.sent(priority);
    tally.done({ vm: 1, priority, fromMs: 10, untilMs: 10 + waitMs, lateMs: 0.2, error });
  };
  done(2, 1.5);
  done(2, 3);
  done(0, 40);
  done(0, 9, new RequestRejectedError('RATE_LIMITED', 'retry in 9 ms'));
  done(0, 9, new VgpuError('ABORTED', 'the call was aborted'));
  const plan = {
    root: 'r',
    vms: [{ vm: 1, pool: 'A', priority: 2 } as const, { vm: 2, pool: 'A', priority: 0 } as const],
    pace: { perSecond: 5, arrivals: 'poisson' } as const,
    durationMs: 2000,
    size: 1,
  };
  const outcome = { plan, elapsedMs: 2000, wasCut: true, tally };

  test('are shown by priority and overall, with errors and a histogram', () => {
    expect(textOf(outcome)).toBe(
      `2 VMs, 5 requests/s (poisson) each, numbers: 2.0 s, cut short by a signal

priority  sent  answered  errors  withdrawn   /s  p50 ms  p90 ms  p99 ms  p99.9 ms  max ms
high         2         2       0          0  1.0    1.50    3.00    3.00      3.00    3.00
low          3         1       1          1  0.5    40.0    40.0    40.0      40.0    40.0
all          5         3       1          1  1.5    3.00    40.0    40.0      40.0    40.0

error         requests  the first one
RATE_LIMITED         1  the mediator rejected the request: RATE_LIMITED: retry in 9 ms; send requests less often

wait     requests     %
< 2 ms          1  33.3  ########################################
< 5 ms          1  33.3  ########################################
< 10 ms         0   0.0
< 20 ms         0   0.0
< 50 ms         1  33.3  ########################################

Sent late: p99 0.20 ms, at most 0.20 ms.`,
    );
  });

  test('are the same for programs', () => {
    const about40 = expect.closeTo(40, 1);
    const waitMs = { p50: about40, p90: about40, p99: about40, p999: about40, max: about40 };
    const low = { sent: 3, answered: 1, withdrawn: 1, errors: { RATE_LIMITED: 1 }, perSecond: 0.5 };
    expect(JSON.parse(jsonOf(outcome))).toMatchObject({
      vms: 2,
      perSecond: 5,
      arrivals: 'poisson',
      size: 1,
      seconds: 2,
      wasCut: true,
      all: { sent: 5, answered: 3, withdrawn: 1, perSecond: 1.5 },
      priorities: [
        { priority: 2, sent: 2, errors: {} },
        { priority: 0, ...low, waitMs },
      ],
      lateMs: { p50: 0.2, max: 0.2 },
      histogram: expect.arrayContaining([{ toMs: 50, count: 1 }]),
    });
  });
});
