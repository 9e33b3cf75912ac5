import { setTimeout as sleep } from 'node:timers/promises';

/** A limit for hanging conditions, below jest's own, so that this message appears. */
const LIMIT_MS = 5 * 60_000;
const EVERY_MS = 2;

/** Waits until a condition holds, or fails with its description. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const givenUpMs = performance.now() + LIMIT_MS;
  while (!condition()) {
    if (performance.now() > givenUpMs) throw new Error(`waited in vain until ${what}`);
    await sleep(EVERY_MS);
  }
}

/**
 * Waits until the kernel's coarse clock, which stamps files (ticks of 10 ms at most), has moved on:
 * files written afterwards are newer than files written before.
 */
export async function nextTick(): Promise<void> {
  await sleep(21);
}
