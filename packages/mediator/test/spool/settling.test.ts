import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import type { FileVersion } from '../../src/spool/file-version.js';
import { Settling } from '../../src/spool/settling.js';

const SETTLE_MS = 200;

const FILE: FileVersion = { dev: 1n, ino: 2n, size: 3n, mtimeNs: 4n, ctimeNs: 5n };

let settleMs: number;
let settling: Settling;
let rechecked: string[];

beforeEach(() => {
  // Of performance, too.
  jest.useFakeTimers();
  settleMs = SETTLE_MS;
  rechecked = [];
  settling = new Settling(
    {
      get settleMs() {
        return settleMs;
      },
    },
    (name) => {
      rechecked.push(name);
    },
  );
});

afterEach(() => {
  settling.close();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

test('a file counts as complete once it has been the same for the settle time', () => {
  expect(settling.isSettled('x', FILE)).toBe(false);
  jest.advanceTimersByTime(SETTLE_MS - 1);
  expect(settling.isSettled('x', FILE)).toBe(false);
  jest.advanceTimersByTime(1);
  expect(settling.isSettled('x', FILE)).toBe(true);
  expect(settling.size).toBe(0);
});

test('a file is read again when it may have settled, once, with its name', () => {
  settling.isSettled('x', FILE);
  jest.advanceTimersByTime(SETTLE_MS - 1);
  expect(rechecked).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(rechecked).toEqual(['x']);
  expect(settling.isSettled('x', FILE)).toBe(true);
  jest.advanceTimersByTime(10 * SETTLE_MS);
  expect(rechecked).toEqual(['x']);
});

test('checks in between do not postpone the time, and leave one timer', () => {
  for (let ms = 0; ms < SETTLE_MS; ms += 10) {
    expect(settling.isSettled('x', FILE)).toBe(false);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(10);
  }
  expect(rechecked).toEqual(['x']);
  expect(settling.isSettled('x', FILE)).toBe(true);
});

test('a check that comes long after has its result at once', () => {
  settling.isSettled('x', FILE);
  jest.advanceTimersByTime(100 * SETTLE_MS);
  expect(settling.isSettled('x', FILE)).toBe(true);
});

test.each(['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'] as const)(
  'a change of %s restarts the settle time',
  (field) => {
    const changed = { ...FILE, [field]: 77n };
    settling.isSettled('x', FILE);
    jest.advanceTimersByTime(SETTLE_MS);
    expect(settling.isSettled('x', changed)).toBe(false);
    jest.advanceTimersByTime(SETTLE_MS - 1);
    expect(settling.isSettled('x', changed)).toBe(false);
    jest.advanceTimersByTime(1);
    expect(settling.isSettled('x', changed)).toBe(true);
  },
);

test('a file that changes back restarts, too', () => {
  settling.isSettled('x', FILE);
  jest.advanceTimersByTime(SETTLE_MS / 2);
  settling.isSettled('x', { ...FILE, size: 4n });
  jest.advanceTimersByTime(SETTLE_MS / 2);
  expect(settling.isSettled('x', FILE)).toBe(false);
});

test('names do not share their time', () => {
  settling.isSettled('x', FILE);
  jest.advanceTimersByTime(SETTLE_MS);
  expect(settling.isSettled('y', FILE)).toBe(false);
  expect(settling.isSettled('x', FILE)).toBe(true);
});

test('once settled, the name has no past', () => {
  settling.isSettled('x', FILE);
  jest.advanceTimersByTime(SETTLE_MS);
  expect(settling.isSettled('x', FILE)).toBe(true);
  expect(settling.isSettled('x', FILE)).toBe(false);
});

test('a forgotten name has no past and is not read again', () => {
  settling.isSettled('x', FILE);
  settling.forget('x');
  settling.forget('never seen');
  expect(settling.size).toBe(0);
  jest.advanceTimersByTime(SETTLE_MS);
  expect(rechecked).toEqual([]);
  expect(settling.isSettled('x', FILE)).toBe(false);
});

test('nothing is read again after closing', () => {
  for (const name of ['x', 'y', 'z']) settling.isSettled(name, FILE);
  settling.close();
  expect(settling.size).toBe(0);
  jest.advanceTimersByTime(10 * SETTLE_MS);
  expect(rechecked).toEqual([]);
});

test('a settle time of 0 accepts at once', () => {
  settleMs = 0;
  expect(settling.isSettled('x', FILE)).toBe(true);
  expect(settling.size).toBe(0);
});

test('a changed settle time applies from the next check on', () => {
  settling.isSettled('x', FILE);
  jest.advanceTimersByTime(50);
  settleMs = 40;
  expect(settling.isSettled('x', FILE)).toBe(true);
});

test('a settle time of a fraction of a millisecond is not cut short', () => {
  settleMs = 10.4;
  settling.isSettled('x', FILE);
  jest.advanceTimersByTime(10);
  expect(rechecked).toEqual([]);
  expect(settling.isSettled('x', FILE)).toBe(false);
  jest.advanceTimersByTime(1);
  expect(settling.isSettled('x', FILE)).toBe(true);
});

describe('the number of files at once', () => {
  test('is bounded; further files settle when there is room', () => {
    for (let i = 0; i < 200; i += 1) settling.isSettled(`x${i}`, FILE);
    expect(settling.size).toBe(64);
    expect([settling.has('x63'), settling.has('x64')]).toEqual([true, false]);
    expect(jest.getTimerCount()).toBe(settling.size);
    const room = settling.size;
    jest.advanceTimersByTime(SETTLE_MS);
    expect(rechecked).toHaveLength(room);
    for (const name of rechecked) expect(settling.isSettled(name, FILE)).toBe(true);
    expect(settling.size).toBe(0);
    expect(settling.isSettled('x199', FILE)).toBe(false);
    expect(settling.size).toBe(1);
  });

  test('does not prevent a known file from settling', () => {
    for (let i = 0; i < 200; i += 1) settling.isSettled(`x${i}`, FILE);
    const room = settling.size;
    jest.advanceTimersByTime(SETTLE_MS / 2);
    expect(settling.isSettled('x0', FILE)).toBe(false);
    expect(settling.size).toBe(room);
    jest.advanceTimersByTime(SETTLE_MS / 2);
    expect(settling.isSettled('x0', FILE)).toBe(true);
  });
});

test('property: a file is accepted only after that many milliseconds without a change', () => {
  const steps = fc.array(
    fc.record({
      waitMs: fc.integer({ min: 0, max: 2 * SETTLE_MS }),
      size: fc.bigInt({ min: 1n, max: 3n }),
    }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(steps, (checks) => {
      const subject = new Settling({ settleMs: SETTLE_MS }, () => undefined);
      let same: { size: bigint; sinceMs: number } | undefined;
      let nowMs = 0;
      for (const { waitMs, size } of checks) {
        jest.advanceTimersByTime(waitMs);
        nowMs += waitMs;
        if (same?.size !== size) same = { size, sinceMs: nowMs };
        const isComplete = nowMs - same.sinceMs >= SETTLE_MS;
        expect(subject.isSettled('x', { ...FILE, size })).toBe(isComplete);
        if (isComplete) same = undefined;
      }
      subject.close();
    }),
  );
});
