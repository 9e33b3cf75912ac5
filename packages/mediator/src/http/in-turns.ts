import { setImmediate as nextTurn } from 'node:timers/promises';

/** So many VMs take less than a millisecond. */
const PER_TURN = 128;

/**
 * Visits items, however many, with requests served in between.
 *
 * @returns The milliseconds that it took, without those of others.
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
