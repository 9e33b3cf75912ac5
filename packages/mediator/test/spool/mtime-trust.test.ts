import { beforeEach, expect, it } from '@jest/globals';
import { MtimeTrust } from '../../src/spool/mtime-trust.js';

const HOUR_MS = 3_600_000;
const NOW_MS = 1_800_000_000_000;
const ns = (ms: number) => BigInt(ms) * 1_000_000n;

let wallMs: number;
let monotonicMs: number;
let trust: MtimeTrust;

beforeEach(() => {
  [wallMs, monotonicMs] = [NOW_MS, 5];
  trust = new MtimeTrust(
    () => wallMs,
    () => monotonicMs,
  );
});

const pass = (ms: number) => {
  wallMs += ms;
  monotonicMs += ms;
};

it('trusts an mtime that is old by the clock, at once', () => {
  expect(trust.isRacy(ns(NOW_MS - 2000))).toBe(false);
  expect(trust.isRacy(ns(NOW_MS - HOUR_MS))).toBe(false);
});

it('does not trust one that is young, until it is old', () => {
  expect(trust.isRacy(ns(NOW_MS))).toBe(true);
  pass(1999);
  expect(trust.isRacy(ns(NOW_MS))).toBe(true);
  pass(1);
  expect(trust.isRacy(ns(NOW_MS))).toBe(false);
});

it('trusts one that lies in the future, after the clock was set back, once it has been seen for a time', () => {
  expect(trust.isRacy(ns(NOW_MS - 10_000))).toBe(false);
  wallMs -= HOUR_MS;
  // It was seen before, but for an unknown time.
  pass(2000);
  expect(trust.isRacy(ns(NOW_MS - 10_000))).toBe(false);
});

it('does not trust one of a server whose clock is ahead before that', () => {
  expect(trust.isRacy(ns(NOW_MS + 5000))).toBe(true);
  pass(1000);
  expect(trust.isRacy(ns(NOW_MS + 6000))).toBe(true);
  pass(1999);
  expect(trust.isRacy(ns(NOW_MS + 6000))).toBe(true);
  pass(1);
  expect(trust.isRacy(ns(NOW_MS + 6000))).toBe(false);
});
