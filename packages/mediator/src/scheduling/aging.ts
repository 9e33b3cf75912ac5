import type { Priority } from '@vgpu/protocol';

const HIGHEST: Priority = 2;

/**
 * The level to which a request has risen that waits: its priority, and one more for each full interval
 * since it arrived, up to the highest. Among requests of one priority none rises above another that
 * arrived earlier, so that queues by priority and arrival need no sorting anew.
 *
 * @param everyNs The interval, more than 0.
 */
export function risenLevel(priority: Priority, waitedNs: bigint, everyNs: bigint): number {
  // What is from the future, because the clock was set back, has not waited.
  const rises = Math.max(0, Number(waitedNs / everyNs));
  return Math.min(HIGHEST, priority + rises);
}
