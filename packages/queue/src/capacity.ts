import { QueueError } from './queue-error.js';
import { shown } from './untyped.js';

/**
 * @returns the capacity
 * @throws {QueueError} INVALID_CAPACITY: it is neither a positive integer nor Infinity.
 */
export function checkedCapacity(capacity: unknown): number {
  const isNumber = typeof capacity === 'number';
  if (isNumber && capacity > 0 && (Number.isInteger(capacity) || capacity === Infinity)) {
    return capacity;
  }
  throw new QueueError(
    'INVALID_CAPACITY',
    `Expected a capacity that is a positive integer or Infinity, got ${shown(capacity)}. ` +
      'Leave it out for a queue without limit.',
  );
}

export function queueFull(capacity: number, size: number): QueueError {
  return new QueueError(
    'QUEUE_FULL',
    `Expected fewer elements than the capacity of ${capacity}, got ${size}. ` +
      'Pop or delete one before pushing, or create the queue with a larger capacity.',
  );
}
