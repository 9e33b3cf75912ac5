import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * A result is valid for this multiple of its computation time, so that computing takes at most a
 * fifth of the time.
 */
const PAUSE_PER_MS = 4;

/** Calls a function at most once per interval in milliseconds, and shares its result. */
export function cached<T>(ms: number, compute: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined;
  let validUntilMs = Infinity;
  return () => {
    if (value !== undefined && performance.now() < validUntilMs) return value;
    const startedMs = performance.now();
    validUntilMs = Infinity;
    value = compute().finally(() => {
      const nowMs = performance.now();
      validUntilMs = nowMs + Math.max(ms, PAUSE_PER_MS * (nowMs - startedMs));
    });
    return value;
  };
}

/** The items per turn of the event loop: they take less than a millisecond. */
const PER_TURN = 128;

/**
 * Visits any number of items, with requests served in between.
 *
 * @returns The duration of the visits, in milliseconds.
 */
export async function visitInTurns<T>(
  items: Iterable<T>,
  visit: (item: T) => void,
): Promise<number> {
  let [busyMs, startedMs, visited] = [0, performance.now(), 0];
  for (const item of items) {
    visit(item);
    visited += 1;
    if (visited % PER_TURN > 0) continue;
    busyMs += performance.now() - startedMs;
    await nextTurn();
    startedMs = performance.now();
  }
  return busyMs + performance.now() - startedMs;
}
