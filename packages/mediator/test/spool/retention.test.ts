import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Retention } from '../../src/spool/retention.js';

const HOUR_MS = 3_600_000;

beforeEach(() => {
  jest.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
});
afterEach(() => {
  jest.useRealTimers();
});

test('stale files are searched for ten times in a retention time, from the first one on', () => {
  const retention = new Retention();
  // The clock may have been set to any time before.
  for (let minutes = 6; minutes < 60; minutes += 6) {
    jest.advanceTimersByTime(HOUR_MS / 10);
    expect(retention.due(HOUR_MS)).toBeUndefined();
  }
  jest.advanceTimersByTime(HOUR_MS / 10 - 1);
  expect(retention.due(HOUR_MS)).toBeUndefined();
  jest.advanceTimersByTime(1);
  expect(retention.due(HOUR_MS)).toBe(BigInt(Date.now() - HOUR_MS) * 1_000_000n);
  expect(retention.due(HOUR_MS)).toBeUndefined();
});

test('nothing is stale for a retention time after the clock was set forward', () => {
  const retention = new Retention();
  jest.advanceTimersByTime(2 * HOUR_MS);
  expect(retention.due(HOUR_MS)).toBeDefined();
  jest.setSystemTime(Date.now() + 100 * HOUR_MS);
  for (let minutes = 6; minutes <= 60; minutes += 6) {
    jest.advanceTimersByTime(HOUR_MS / 10);
    expect(retention.due(HOUR_MS)).toBeUndefined();
  }
  jest.advanceTimersByTime(HOUR_MS / 10);
  expect(retention.due(HOUR_MS)).toBe(BigInt(Date.now() - HOUR_MS) * 1_000_000n);
});

test('a clock that is set back keeps files the longer', () => {
  const retention = new Retention();
  jest.setSystemTime(Date.now() - 100 * HOUR_MS);
  expect(retention.due(HOUR_MS)).toBeUndefined();
  jest.advanceTimersByTime(HOUR_MS);
  expect(retention.due(HOUR_MS)).toBe(BigInt(Date.now() - HOUR_MS) * 1_000_000n);
});
