import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Pool, Priority } from '@vgpu/protocol';
import fc from 'fast-check';
import type { QueuedRequest } from '../../src/scheduling/queued-request.js';
import { RequestQueue } from '../../src/scheduling/request-queue.js';

/** July 2025, in nanoseconds: a double counts such numbers in steps of 256. */
const NOW_NS = 1_752_000_000_123_456_789n;

/** The fields of a job that the queue reads. */
function fakeJob(priority: Priority, arrivalNs: bigint, pool: Pool = 'A'): QueuedRequest {
  return { priority, pool, arrivalNs } as QueuedRequest;
}

function drain(queue: RequestQueue): QueuedRequest[] {
  return Array.from({ length: queue.size }, () => queue.take()).filter((job) => job !== undefined);
}

const priority = fc.constantFrom<Priority[]>(0, 1, 2);

describe('a requeued job', () => {
  test('has its old place, its number and its handle', () => {
    const queue = new RequestQueue();
    const [first, second, last] = [0n, 0n, 1n].map((offset) => fakeJob(1, NOW_NS + offset));
    queue.admit([first, second, last].filter((job) => job !== undefined));
    const taken = queue.take();
    queue.admit([fakeJob(2, NOW_NS), fakeJob(1, NOW_NS)]);
    if (taken !== undefined) queue.requeue(taken);
    expect(taken).toBe(first);
    expect(taken?.seq).toBe(1);
    expect(drain(queue).map(({ seq }) => seq)).toEqual([4, 1, 2, 5, 3]);
    if (taken !== undefined) queue.requeue(taken);
    expect(taken && queue.withdraw(taken)).toBe(true);
    expect(queue.size).toBe(0);
  });

  test('property: leaves the queue as if it had never been taken', () => {
    const jobs = fc.array(fc.tuple(priority, fc.bigInt({ min: -2n, max: 2n })), { maxLength: 12 });
    fc.assert(
      fc.property(
        jobs,
        jobs,
        fc.nat({ max: 12 }),
        fc.infiniteStream(fc.nat()),
        (a, b, n, picks) => {
          const create = (list: typeof a) =>
            list.map(([level, offsetNs]) => fakeJob(level, NOW_NS + offsetNs));
          const [queue, untouched] = [new RequestQueue(), new RequestQueue()];
          for (const list of [a, b]) untouched.admit(create(list));
          queue.admit(create(a));
          const taken = Array.from({ length: n }, () => queue.take()).filter((job) => job);
          queue.admit(create(b));
          while (taken.length > 0) {
            const [job] = taken.splice((picks.next().value ?? 0) % taken.length, 1);
            if (job !== undefined) queue.requeue(job);
          }
          const seqs = (jobs: QueuedRequest[]) => jobs.map(({ seq }) => seq);
          expect(seqs(drain(queue))).toEqual(seqs(drain(untouched)));
        },
      ),
    );
  });
});

describe('order', () => {
  test('is priority, high first', () => {
    const queue = new RequestQueue();
    queue.admit([fakeJob(0, 1n), fakeJob(2, 3n), fakeJob(1, 2n)]);
    expect(drain(queue).map((job) => job.priority)).toEqual([2, 1, 0]);
  });

  test.each<Priority>([0, 1, 2])('among equals of priority %d is arrival', (level) => {
    const queue = new RequestQueue();
    queue.admit([fakeJob(level, NOW_NS)]);
    queue.admit([fakeJob(level, NOW_NS - 1n)]);
    queue.admit([fakeJob(level, NOW_NS - 2n), fakeJob(level, NOW_NS + 1n)]);
    expect(drain(queue).map((job) => job.arrivalNs - NOW_NS)).toEqual([-2n, -1n, 0n, 1n]);
  });

  test('tells arrivals apart by single nanoseconds, days around the first', () => {
    const dayNs = 86_400_000_000_000n;
    const offsets = [-100n * dayNs, -dayNs, -1n, 0n, dayNs, 100n * dayNs];
    const arrivals = offsets.flatMap((offset) => [NOW_NS + offset, NOW_NS + offset + 1n]);
    const queue = new RequestQueue();
    queue.admit([fakeJob(1, NOW_NS)]);
    for (const arrivalNs of arrivals.toReversed()) queue.admit([fakeJob(1, arrivalNs)]);
    const expected = [...arrivals, NOW_NS].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    expect(drain(queue).map((job) => job.arrivalNs)).toEqual(expected);
  });

  test('of equal arrivals is the order in which they came', () => {
    const queue = new RequestQueue();
    const jobs = Array.from({ length: 50 }, () => fakeJob(1, NOW_NS));
    queue.admit(jobs.slice(0, 20));
    queue.admit(jobs.slice(20));
    expect(drain(queue)).toEqual(jobs);
  });

  test('does not depend on the pool', () => {
    const queue = new RequestQueue();
    const pools = ['B', 'A', 'A', 'B', 'A', 'B'] as const;
    const jobs = pools.map((pool, i) => fakeJob(1, NOW_NS + BigInt(i), pool));
    queue.admit(jobs);
    expect(drain(queue).map((job) => job.pool)).toEqual(pools);
  });

  test('property: is that of a stable sort by priority and arrival, for any arrivals', () => {
    const batches = fc.array(
      fc.array(
        fc.record({
          level: priority,
          // Few differences, of single nanoseconds, so that there are ties.
          offsetNs: fc.oneof(
            fc.bigInt({ min: -3n, max: 3n }),
            fc.bigInt(-(10n ** 15n), 10n ** 15n),
          ),
          epochNs: fc.constantFrom(NOW_NS, 1_700_000_000_000_000_000n + 50n * 10n ** 15n),
          takes: fc.nat({ max: 2 }),
        }),
        { maxLength: 8 },
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(batches, (rounds) => {
        const queue = new RequestQueue();
        const waiting: QueuedRequest[] = [];
        const first = () => {
          // The first of the best: `waiting` is in the order of discovery.
          const best = waiting.reduce<QueuedRequest | undefined>((found, job) => {
            if (found === undefined) return job;
            const levels = job.priority - found.priority;
            return levels > 0 || (levels === 0 && job.arrivalNs < found.arrivalNs) ? job : found;
          }, undefined);
          if (best !== undefined) waiting.splice(waiting.indexOf(best), 1);
          return best;
        };
        for (const round of rounds) {
          const jobs = round.map(({ level, offsetNs }) => fakeJob(level, NOW_NS + offsetNs));
          queue.admit(jobs);
          waiting.push(...jobs);
          for (let i = round[0]?.takes ?? 0; i > 0; i -= 1) expect(queue.take()).toBe(first());
          expect(queue.size).toBe(waiting.length);
        }
        while (waiting.length > 0) expect(queue.take()).toBe(first());
        expect(queue.take()).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});

describe('of some pools', () => {
  test('the first is taken, and the others keep their places', () => {
    const queue = new RequestQueue();
    const [high, first, second, third] = [
      fakeJob(2, 9n, 'B'),
      fakeJob(1, 1n, 'B'),
      fakeJob(1, 2n, 'A'),
      fakeJob(1, 3n, 'B'),
    ];
    queue.admit([high, first, second, third]);
    expect(queue.take([])).toBeUndefined();
    expect(queue.take(['A'])).toBe(second);
    expect(queue.take(['A'])).toBeUndefined();
    expect(drain(queue)).toEqual([high, first, third]);
  });

  test('property: is the first by priority, arrival and discovery that is of one of them', () => {
    const steps = fc.array(
      fc.tuple(
        fc.array(
          fc.tuple(priority, fc.constantFrom<Pool[]>('A', 'B'), fc.bigInt({ min: -2n, max: 2n })),
          { maxLength: 4 },
        ),
        fc.subarray<Pool>(['A', 'B']),
        fc.boolean(),
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const queue = new RequestQueue();
        const waiting: QueuedRequest[] = [];
        for (const [batch, pools, isPutBack] of all) {
          const jobs = batch.map(([level, pool, ns]) => fakeJob(level, NOW_NS + ns, pool));
          queue.admit(jobs);
          waiting.push(...jobs);
          const [expected] = waiting
            .filter((job) => pools.includes(job.pool))
            .sort(
              (a, b) =>
                b.priority - a.priority ||
                Number(a.arrivalNs - b.arrivalNs) ||
                (a.seq ?? 0) - (b.seq ?? 0),
            );
          const taken = queue.take(pools);
          expect(taken).toBe(expected);
          if (taken !== undefined && isPutBack) queue.requeue(taken);
          else if (taken !== undefined) waiting.splice(waiting.indexOf(taken), 1);
          expect(queue.size).toBe(waiting.length);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('with aging', () => {
  const EVERY_NS = 1_000_000_000n;
  let nowNs = NOW_NS;
  const aging = (settings: { agingMs: number | undefined } = { agingMs: 1000 }) =>
    new RequestQueue({ settings, nowNs: () => nowNs });
  beforeEach(() => {
    nowNs = NOW_NS;
  });

  test('a job rises by one priority at the exact nanosecond, and is ordered by arrival there', () => {
    for (const [waitedNs, isFirst] of [
      [EVERY_NS - 1n, false],
      [EVERY_NS, true],
    ] as const) {
      const queue = aging();
      const [low, medium] = [fakeJob(0, NOW_NS), fakeJob(1, NOW_NS + 5n)];
      queue.admit([low, medium]);
      nowNs = NOW_NS + waitedNs;
      expect(queue.take()).toBe(isFirst ? low : medium);
    }
  });

  test('no job rises above the highest priority, in which arrival decides', () => {
    const queue = aging();
    const [old, older] = [fakeJob(2, NOW_NS - 9n * EVERY_NS), fakeJob(0, NOW_NS - 10n * EVERY_NS)];
    const young = fakeJob(2, NOW_NS);
    queue.admit([young, old, older]);
    expect(drain(queue)).toEqual([older, old, young]);
  });

  test('a job that arrives two intervals after another is never served before it', () => {
    const queue = aging();
    const low = fakeJob(0, NOW_NS);
    queue.admit([low]);
    let others = 0;
    for (let taken: QueuedRequest | undefined; taken !== low; nowNs += EVERY_NS / 10n) {
      queue.admit([fakeJob(2, nowNs + 1n), fakeJob(2, nowNs + 2n)]);
      taken = queue.take();
      if (taken !== low) others += 1;
      if (others > 100) throw new Error('it starves');
    }
    // In two intervals as many as were taken in them, of the forty that came.
    expect(others).toBe(20);
  });

  test('a job from the future has not waited', () => {
    const queue = aging();
    const [high, low] = [fakeJob(2, NOW_NS + 50n * EVERY_NS), fakeJob(0, NOW_NS - EVERY_NS)];
    queue.admit([low, high]);
    expect(drain(queue)).toEqual([high, low]);
  });

  test('property: the first is that by effective priority, arrival and discovery, at every moment', () => {
    const seconds = fc.integer({ min: 0, max: 40 }).map((tenths) => BigInt(tenths) * 10n ** 8n);
    const steps = fc.array(
      fc.record({
        jobs: fc.array(fc.tuple(priority, fc.constantFrom<Pool[]>('A', 'B'), seconds), {
          maxLength: 4,
        }),
        passesNs: fc.oneof(fc.constant(0n), seconds),
        agingMs: fc.constantFrom(undefined, 1, 700, 1000, 2000),
        pools: fc.subarray<Pool>(['A', 'B']),
        end: fc.constantFrom('is taken', 'is requeued', 'is removed'),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        nowNs = NOW_NS;
        const settings: { agingMs: number | undefined } = { agingMs: undefined };
        const queue = aging(settings);
        const waiting: QueuedRequest[] = [];
        const levelOf = ({ priority, arrivalNs }: QueuedRequest) => {
          let level: number = priority;
          if (settings.agingMs === undefined) return level;
          const everyNs = BigInt(settings.agingMs) * 1_000_000n;
          for (let at = arrivalNs + everyNs; at <= nowNs && level < 2; at += everyNs) level += 1;
          return level;
        };
        for (const step of all) {
          settings.agingMs = step.agingMs;
          nowNs += step.passesNs;
          // Some arrived a while ago, like requests on disk at a start.
          const jobs = step.jobs.map(([level, pool, agoNs]) => fakeJob(level, nowNs - agoNs, pool));
          queue.admit(jobs);
          waiting.push(...jobs);
          const [expected] = waiting
            .filter((job) => step.pools.includes(job.pool))
            .sort(
              (a, b) =>
                levelOf(b) - levelOf(a) ||
                Number(a.arrivalNs - b.arrivalNs) ||
                (a.seq ?? 0) - (b.seq ?? 0),
            );
          if (step.end === 'is removed') {
            if (expected !== undefined) expect(queue.withdraw(expected)).toBe(true);
          } else {
            expect(queue.take(step.pools)).toBe(expected);
          }
          if (expected === undefined) continue;
          if (step.end === 'is requeued') queue.requeue(expected);
          else waiting.splice(waiting.indexOf(expected), 1);
        }
        expect(queue.size).toBe(waiting.length);
      }),
      { numRuns: 500 },
    );
  });
});

describe('numbers', () => {
  test('count the jobs from 1 in the order of arrival within a batch', () => {
    const queue = new RequestQueue();
    const [late, early, low] = [fakeJob(1, 9n), fakeJob(1, 3n), fakeJob(0, 1n)];
    queue.admit([late, early, low]);
    const next = fakeJob(2, 0n);
    queue.admit([next]);
    expect([low.seq, early.seq, late.seq, next.seq]).toEqual([1, 2, 3, 4]);
  });

  test('do not change the given array', () => {
    const jobs = Object.freeze([fakeJob(1, 2n), fakeJob(1, 1n)]);
    const queue = new RequestQueue();
    queue.admit(jobs);
    expect(jobs.map((job) => job.arrivalNs)).toEqual([2n, 1n]);
  });
});

describe('depths', () => {
  test('of an empty queue are zero, for each priority and pool', () => {
    expect(new RequestQueue().depths).toEqual([
      { pool: 'A', priority: 2, queued: 0 },
      { pool: 'B', priority: 2, queued: 0 },
      { pool: 'A', priority: 1, queued: 0 },
      { pool: 'B', priority: 1, queued: 0 },
      { pool: 'A', priority: 0, queued: 0 },
      { pool: 'B', priority: 0, queued: 0 },
    ]);
    expect(new RequestQueue().oldest(1)).toBeUndefined();
  });

  test('property: are those of the queued jobs after any operations', () => {
    const jobs = fc.array(
      fc.tuple(
        priority,
        fc.constantFrom<Pool[]>('A', 'B'),
        fc.constantFrom('stays', 'is removed', 'is taken', 'is requeued'),
        fc.bigInt({ min: -2n, max: 2n }),
      ),
    );
    fc.assert(
      fc.property(jobs, (all) => {
        const queue = new RequestQueue();
        let queued: QueuedRequest[] = [];
        for (const [level, pool, end, offsetNs] of all) {
          const job = fakeJob(level, NOW_NS + offsetNs, pool);
          queue.admit([job]);
          queued.push(job);
          const gone = end === 'is removed' ? job : end === 'stays' ? undefined : queue.take();
          if (end === 'is removed') queue.withdraw(job);
          if (end === 'is requeued' && gone !== undefined) queue.requeue(gone);
          else queued = queued.filter((other) => other !== gone);
        }
        for (const { queued: depth, ...of } of queue.depths) {
          const isOf = (job: QueuedRequest) => job.pool === of.pool && job.priority === of.priority;
          expect(depth).toBe(queued.filter(isOf).length);
        }
        for (const level of [2, 1, 0] as const) {
          const arrivals = queued
            .filter((job) => job.priority === level)
            .map(({ arrivalNs }) => arrivalNs);
          const earliest = arrivals.toSorted((a, b) => Number(a - b))[0];
          expect(queue.oldest(level)?.arrivalNs).toBe(earliest);
        }
      }),
    );
  });
});

describe('removing', () => {
  test('takes one job out and leaves the order of the others', () => {
    const queue = new RequestQueue();
    const jobs = [0, 1, 2, 3, 4].map((i) => fakeJob(1, NOW_NS + BigInt(i)));
    queue.admit(jobs);
    const [, second, , fourth] = jobs;
    if (second === undefined || fourth === undefined) throw new Error('expected five jobs');
    expect(queue.withdraw(second)).toBe(true);
    expect(queue.withdraw(fourth)).toBe(true);
    expect(queue.size).toBe(3);
    expect(drain(queue).map((job) => job.arrivalNs - NOW_NS)).toEqual([0n, 2n, 4n]);
  });

  test('twice, after taking, or of a job that never was queued does nothing', () => {
    const queue = new RequestQueue();
    const [first, second, stranger] = [fakeJob(1, 1n), fakeJob(1, 2n), fakeJob(1, 3n)];
    queue.admit([first, second]);
    expect(queue.take()).toBe(first);
    expect(queue.withdraw(first)).toBe(false);
    expect(queue.withdraw(stranger)).toBe(false);
    expect(queue.withdraw(second)).toBe(true);
    expect(queue.withdraw(second)).toBe(false);
    expect(queue.size).toBe(0);
    expect(queue.take()).toBeUndefined();
  });

  test('property: of any jobs leaves the others in order', () => {
    const jobs = fc.array(fc.tuple(priority, fc.bigInt({ min: 0n, max: 5n }), fc.boolean()));
    fc.assert(
      fc.property(jobs, (all) => {
        const queue = new RequestQueue();
        const pushed = all.map(([level, offsetNs]) => fakeJob(level, NOW_NS + offsetNs));
        for (const job of pushed) queue.admit([job]);
        const kept = pushed.filter((job, i) => !(all[i]?.[2] === true && queue.withdraw(job)));
        const byLevel = ([2, 1, 0] as const).flatMap((level) =>
          kept
            .filter((job) => job.priority === level)
            .toSorted((a, b) => Number(a.arrivalNs - b.arrivalNs)),
        );
        expect(drain(queue)).toEqual(byLevel);
      }),
    );
  });
});
