import { checkedCapacity, queueFull } from './capacity.js';
import { type Handle, isHandle } from './handle.js';
import { changedWhileIterating, QueueError } from './queue-error.js';
import { StableHeap } from './stable-heap.js';
import { optionsOf, shown } from './untyped.js';

/** Options of {@link PriorityQueue}. */
export interface PriorityQueueOptions {
  /** The most elements that the queue may hold: a positive integer or Infinity (the default). */
  readonly capacity?: number;
}

/**
 * A stable priority queue with removal by handle and an optional capacity.
 *
 * Order: higher priority first; elements of equal priority leave in the order in which they were
 * pushed, whatever was pushed, popped or deleted in between. Priorities are any numbers but NaN:
 * negative and fractional ones, `Infinity` before and `-Infinity` after all others, `-0` equal to
 * `0`. They are compared exactly, without rounding.
 *
 * Memory is proportional to `size`; a value that has left is not kept. The costs below are
 * amortised, n being `size`.
 *
 * @example
 * ```ts
 * import { PriorityQueue } from '@vgpu/queue';
 *
 * const queue = new PriorityQueue<string>();
 * const handle = queue.push('withdrawn', 2);
 * queue.push('first', 1);
 * queue.push('second', 1);
 * queue.push('urgent', Infinity);
 * queue.delete(handle);
 * console.log([...queue].join(', ')); // urgent, first, second
 * ```
 */
export class PriorityQueue<T> implements Iterable<T> {
  readonly #capacity: number;
  readonly #heap = new StableHeap<T>();

  /**
   * @param options The capacity.
   * @throws {QueueError} INVALID_CAPACITY: the capacity is neither a positive integer nor Infinity.
   */
  constructor(options: PriorityQueueOptions = {}) {
    const { capacity = Infinity } = optionsOf(options);
    this.#capacity = checkedCapacity(capacity);
  }

  /** Number of elements in the queue. */
  get size(): number {
    return this.#heap.size;
  }

  /** The most elements that the queue may hold; Infinity if there is no limit. */
  get capacity(): number {
    return this.#capacity;
  }

  /**
   * Adds an element behind all those of the same or a higher priority. O(log n). If it throws, the
   * queue is unchanged.
   *
   * @param value any value; see `pop` about undefined
   * @param priority any number but NaN; higher leaves first
   * @returns a handle by which `delete` finds this element
   * @throws {QueueError} INVALID_PRIORITY: the priority is NaN or not a number.
   * @throws {QueueError} QUEUE_FULL: `size` has reached `capacity`.
   */
  push(value: T, priority: number): Handle {
    if (!isPriority(priority)) {
      throw new QueueError(
        'INVALID_PRIORITY',
        `Expected a priority that is a number and not NaN, got ${shown(priority)}. ` +
          'Use Infinity or -Infinity for "before all" or "after all".',
      );
    }
    if (this.size >= this.#capacity) throw queueFull(this.#capacity, this.size);
    return this.#heap.push(value, -priority) as Handle;
  }

  /**
   * Removes the first element. O(log n).
   *
   * @returns its value; undefined if the queue is empty (`size` distinguishes this from an element
   *   whose value is undefined)
   */
  pop(): T | undefined {
    return this.size === 0 ? undefined : this.#heap.shift();
  }

  /** The value that `pop` would return, without removing it. O(1). */
  peek(): T | undefined {
    return this.size === 0 ? undefined : this.#heap.first;
  }

  /**
   * Removes the element of a handle, at any place. O(log n).
   *
   * @param handle a result of `push` of this queue
   * @returns true if the element was removed; false if it had left already, or if this is not a handle
   */
  delete(handle: Handle): boolean {
    return isHandle(handle) && this.#heap.delete(handle);
  }

  /** Removes all elements. O(1). Their handles stay stale. */
  clear(): void {
    this.#heap.clear();
  }

  /**
   * Iterates over the values in the order of `pop` without removing them. The first k values cost
   * O(k log k). Stopping early is free: leave the loop, then change the queue.
   *
   * @throws {QueueError} CHANGED_WHILE_ITERATING: an element was added or removed since the iterator
   *   yielded its first value. The iterator then ends.
   */
  *[Symbol.iterator](): IterableIterator<T, void, undefined> {
    const changes = this.#changes;
    for (const value of this.#heap) {
      yield value;
      if (this.#changes !== changes) throw changedWhileIterating(this.#changes - changes);
    }
  }

  /** Number of elements added and removed so far. */
  get #changes(): number {
    return 2 * this.#heap.next - this.size;
  }
}

/**
 * `unknown`, because a caller without a type checker may pass a string, which would silently break the
 * order.
 */
function isPriority(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(value);
}
