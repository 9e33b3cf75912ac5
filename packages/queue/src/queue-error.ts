/**
 * What went wrong; these strings are stable.
 *
 * - `INVALID_PRIORITY`: the priority of `push` is NaN or not a number; for a `LevelQueue`, not one of its
 *   levels.
 * - `INVALID_LEVELS`: the levels of a `LevelQueue` are not an integer from 1 to 32.
 * - `INVALID_CAPACITY`: the capacity is neither a positive integer nor Infinity.
 * - `QUEUE_FULL`: `push` found `capacity` elements in the queue.
 * - `CHANGED_WHILE_ITERATING`: an iterator was continued after the queue had changed.
 */
export type QueueErrorCode =
  | 'INVALID_PRIORITY'
  | 'INVALID_LEVELS'
  | 'INVALID_CAPACITY'
  | 'QUEUE_FULL'
  | 'CHANGED_WHILE_ITERATING';

/** The only error that this package throws. Decide by `code`; `message` is for people. */
export class QueueError extends Error {
  /** Always `'QueueError'`. */
  override readonly name = 'QueueError';
  /** What went wrong, for programs; stable. */
  readonly code: QueueErrorCode;

  /**
   * @param code What went wrong.
   * @param message For people: what was expected, what was received, and what to do.
   */
  constructor(code: QueueErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** @param changes how many elements were added and removed */
export function changedWhileIterating(changes: number): QueueError {
  return new QueueError(
    'CHANGED_WHILE_ITERATING',
    `Expected the queue to stay as it is while it is iterated, got ${changes} change(s). ` +
      'Leave the loop before changing the queue, or iterate over a copy: [...queue].',
  );
}
