/** No poll comes later than this after the one before, in milliseconds. */
export const MAX_POLL_DELAY_MS = 50;

/** Polls this share of the time waited so far apart: an answer is seen at most 12.5 % late. */
const SHARE_OF_ELAPSED = 1 / 8;

/**
 * How long to wait for the next poll, in milliseconds.
 *
 * @param elapsedMs The time waited so far.
 */
export function pollDelayMs(elapsedMs: number): number {
  return Math.min(elapsedMs * SHARE_OF_ELAPSED, MAX_POLL_DELAY_MS);
}
