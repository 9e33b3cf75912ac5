import { setTimeout as sleep } from 'node:timers/promises';

/** Far more than anything takes, and less than jest's own limit, so that the message is this one. */
const LIMIT_MS = 4500;
const EVERY_MS = 2;

/** Waits until a condition holds, or fails saying what it has waited for. */
export async function until(
  what: string,
  condition: () => boolean,
  limitMs = LIMIT_MS,
): Promise<void> {
  const givenUpMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > givenUpMs) throw new Error(`waited in vain until ${what}`);
    await sleep(EVERY_MS);
  }
}

/**
 * Waits until the kernel's coarse clock, which stamps files (ticks of 10 ms at most), has moved on:
 * what is written afterwards is newer than what was written before.
 */
export async function nextTick(): Promise<void> {
  await sleep(21);
}
