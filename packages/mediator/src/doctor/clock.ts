import { type Diagnosis, finding, ok, orOk } from './diagnosis.js';

/** The tolerated error of a clock that is being adjusted, in milliseconds. */
const TOLERANCE_MS = 1000;

export interface ClockFacts {
  /** Now, milliseconds since the epoch. */
  readonly nowMs: number;
  /** Change times of files in the root and the state directory, in nanoseconds since the epoch. */
  readonly changesNs: readonly bigint[];
}

/** Whether the clock was set back: the order of requests of equal priority depends on it. */
export function checkClock({ nowMs, changesNs }: ClockFacts): Diagnosis[] {
  const latestMs = Math.max(...changesNs.map((ns) => Number(ns / 1_000_000n)), 0);
  const aheadMs = Math.round(latestMs - nowMs);
  if (aheadMs <= TOLERANCE_MS) return [ok('no file has a change time in the future')];
  return [
    finding(
      `the clock was set back: the change time of a file in the root or the state directory is ${aheadMs} ms ahead; ` +
        'requests of equal priority that arrived before that are served later',
      'keep the clock with NTP (timedatectl), which adjusts it slowly; the finding disappears with time',
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
            'the file system has time stamps of whole seconds: requests of equal priority within one second ' +
              'are served in the order of their discovery',
            'put the root on a file system with finer time stamps: ext4 with inodes of 256 bytes, xfs, btrfs',
          ),
        ]
      : [],
    'time stamps of files are finer than a second',
  );
}
