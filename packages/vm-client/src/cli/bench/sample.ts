import type { Priority } from '@vgpu/protocol';
import type { VgpuError } from '../../errors.js';

/** The result of one request. Times are from `performance.now()`. */
export interface Sample {
  readonly vm: number;
  readonly priority: Priority;
  /** The start of the wait, in milliseconds: see {@link countedFrom}. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** How long after it was due it was sent, in milliseconds. */
  readonly lateMs: number;
  /** The error, if there was no right response; `ABORTED` at the end of the load. */
  readonly error: VgpuError | undefined;
}

/** Timers of Node have this resolution. */
const RESOLUTION_MS = 1;

/**
 * The start of a request's wait: the due time, so that a late load does not hide waits
 * ("coordinated omission"), but with an allowance of a millisecond, by which a timer may be late.
 */
export const countedFrom = (dueMs: number, sentMs: number) =>
  Math.min(sentMs, dueMs + RESOLUTION_MS);
