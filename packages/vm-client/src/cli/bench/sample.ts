import type { Priority } from '@vgpu/protocol';
import type { VgpuError } from '../../errors.js';

/** What became of one request. Times are of `performance.now()`. */
export interface Sample {
  readonly vm: number;
  readonly priority: Priority;
  /** From when the wait counts, in milliseconds: see {@link countedFrom}. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** How long after it was due it was sent, in milliseconds. */
  readonly lateMs: number;
  /** Why there was no right answer; `ABORTED` by the end of the load. */
  readonly error: VgpuError | undefined;
}

/** Timers of Node have this resolution. */
const RESOLUTION_MS = 1;

/**
 * From when the wait of a request counts that was due at one moment and sent at another: a load that
 * comes late itself must not hide it ("coordinated omission"), so from when it was due; but a
 * millisecond is what a timer may be late.
 */
export const countedFrom = (dueMs: number, sentMs: number) =>
  Math.min(sentMs, dueMs + RESOLUTION_MS);
