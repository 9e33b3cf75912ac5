import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MAX_POLL_DELAY_MS, pollDelayMs } from '../src/poll-delay.js';

const elapsed = fc.double({ min: 0, max: 1e9, noNaN: true });

describe('pollDelayMs', () => {
  test('starts under a millisecond', () => {
    expect(pollDelayMs(0)).toBe(0);
    expect(pollDelayMs(7)).toBeLessThan(1);
  });

  test('is at most an eighth of the time waited, and at most 50 ms', () => {
    fc.assert(
      fc.property(elapsed, (ms) => {
        expect(pollDelayMs(ms)).toBeLessThanOrEqual(ms / 8);
        expect(pollDelayMs(ms)).toBeLessThanOrEqual(MAX_POLL_DELAY_MS);
      }),
    );
  });

  test('never becomes shorter with time', () => {
    fc.assert(
      fc.property(elapsed, elapsed, (one, other) => {
        const [early, late] = one < other ? [one, other] : [other, one];
        expect(pollDelayMs(early)).toBeLessThanOrEqual(pollDelayMs(late));
      }),
    );
  });

  test('reaches 50 ms after 400 ms and stays there', () => {
    expect(pollDelayMs(399)).toBeLessThan(50);
    expect(pollDelayMs(400)).toBe(50);
    expect(pollDelayMs(30_000)).toBe(50);
  });

  test('takes fewer than 650 polls of at least a millisecond in 30 s', () => {
    let polls = 0;
    for (let now = 8; now < 30_000; now += pollDelayMs(now)) polls += 1;
    expect(polls).toBeLessThan(650);
  });
});
