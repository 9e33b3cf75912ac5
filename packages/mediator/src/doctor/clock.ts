import { type Diagnosis, finding, ok, orOk } from './diagnosis.js';

/** By so much a clock that is being adjusted may be off, milliseconds. */
const TOLERANCE_MS = 1000;

export interface ClockFacts {
  /** Now, milliseconds since the epoch. */
  readonly nowMs: number;
  /** When files in the root and the state directory changed, nanoseconds since the epoch. */
  readonly changesNs: readonly bigint[];
}

/** Whether the clock was set back: arrivals, which decide among equals, go by it. */
export function checkClock({ nowMs, changesNs }: ClockFacts): Diagnosis[] {
  const latestMs = Math.max(...changesNs.map((ns) => Number(ns / 1_000_000n)), 0);
  const aheadMs = Math.round(latestMs - nowMs);
  if (aheadMs <= TOLERANCE_MS) return [ok('no file is from the future')];
  return [
    finding(
      `the clock was set back: a file of root or state directory has changed ${aheadMs} ms from now; ` +
        'among equal priorities, what came before that is served later',
      'keep the clock by NTP (timedatectl), which adjusts it slowly; it passes by itself',
    ),
  ];
}

/** Whether the file system stamps files finely enough for an order. */
export function checkTimestamps({ changesNs }: Pick<ClockFacts, 'changesNs'>): Diagnosis[] {
  const isCoarse = changesNs.length > 0 && changesNs.every((ns) => ns % 1_000_000_000n === 0n);
  return orOk(
    isCoarse
      ? [
          finding(
            'the file system stamps files by whole seconds: requests of equal priority in one second ' +
              'are served in the order in which they were noticed',
            'put the root on a file system with finer ones: ext4 with inodes of 256 bytes, xfs, btrfs',
          ),
        ]
      : [],
    'files are stamped more finely than by seconds',
  );
}
