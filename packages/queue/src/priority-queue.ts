import { ArrivalList } from './arrival-list.js';
import { ABSENT, Heap, type HeapItem } from './heap.js';
import { QueueError } from './queue-error.js';

declare const handleBrand: unique symbol;

/**
 * Names one element of the queue whose `push` returned it, and never another one: handles are not
 * issued twice, not even after `clear`. To be kept and given back, not to be calculated with.
 * Another queue does not know it and may take it for one of its own.
 */
export type Handle = number & { readonly [handleBrand]: true };

/** Options of {@link PriorityQueue}. */
export interface PriorityQueueOptions {
  /** The most elements that the queue may hold: a positive integer or Infinity (the default). */
  readonly capacity?: number;
}

/** The number of elements for which memory is kept in any case: a few are not worth the work. */
const SLACK = 32;

interface Element<T> extends HeapItem {
  /** undefined once the element has left. */
  value: T | undefined;
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
 */
export class PriorityQueue<T> implements Iterable<T> {
  readonly #capacity: number;
  #heap = new Heap<Element<T>>();
  #arrivals = new ArrivalList<Element<T>>();

  /**
   * Arrival number of the next element, and its handle. It is never reset, and stays exact for 2^53
   * pushes: 28 years at ten million a second.
   */
  #nextArrival = 0;

  /** Number of changes so far, by which an iterator notices one. */
  #changes = 0;

  /** @throws {QueueError} INVALID_CAPACITY: the capacity is no positive integer nor Infinity. */
  constructor({ capacity = Infinity }: PriorityQueueOptions = {}) {
    if (!isCapacity(capacity)) {
      throw new QueueError(
        'INVALID_CAPACITY',
        `Expected a capacity that is a positive integer or Infinity, got ${String(capacity)}. ` +
          'Leave it out for a queue without limit.',
      );
    }
    this.#capacity = capacity;
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
   * queue is as it was.
   *
   * @param value any value; see `pop` about undefined
   * @param priority any number but NaN; higher leaves first
   * @returns a handle by which `delete` finds this element
   * @throws {QueueError} INVALID_PRIORITY: the priority is NaN or no number.
   * @throws {QueueError} QUEUE_FULL: `size` has reached `capacity`.
   */
  push(value: T, priority: number): Handle {
    if (!isPriority(priority)) {
      throw new QueueError(
        'INVALID_PRIORITY',
        `Expected a priority that is a number and not NaN, got ${String(priority)}. ` +
          'Use Infinity or -Infinity for "before all" or "after all".',
      );
    }
    if (this.size >= this.#capacity) {
      throw new QueueError(
        'QUEUE_FULL',
        `Expected fewer elements than the capacity of ${this.#capacity}, got ${this.size}. ` +
          'Pop or delete one before pushing, or create the queue with a larger capacity.',
      );
    }
    const element = { value, priority, arrival: this.#nextArrival++, position: ABSENT };
    this.#heap.insert(element);
    this.#arrivals.append(element);
    this.#changes++;
    return element.arrival as Handle;
  }

  /**
   * Removes the first element. O(log n).
   *
   * @returns its value; undefined if the queue is empty (`size` tells this from an element whose
   *   value is undefined)
   */
  pop(): T | undefined {
    const element = this.#heap.first;
    return element && this.#take(element);
  }

  /** The value that `pop` would return, without removing it. O(1). */
  peek(): T | undefined {
    return this.#heap.first?.value;
  }

  /**
   * Removes the element that a handle names, wherever it stands. O(log n).
   *
   * @param handle what `push` of this queue returned
   * @returns true if the element was removed; false if it had left already
   */
  delete(handle: Handle): boolean {
    const element = this.#arrivals.find(handle);
    if (element === undefined) return false;
    this.#take(element);
    return true;
  }

  /** Removes all elements. O(1). Their handles stay stale for ever. */
  clear(): void {
    this.#heap = new Heap();
    this.#arrivals = new ArrivalList();
    this.#changes++;
  }

  /**
   * Iterates over the values in the order of `pop` and leaves them in the queue. The first k values
   * cost O(k log k). To stop early is free: leave the loop, then change the queue.
   *
   * @throws {QueueError} CHANGED_WHILE_ITERATING: an element was added or removed since the iterator
   *   gave its first value. The iterator then ends.
   */
  *[Symbol.iterator](): IterableIterator<T, void, undefined> {
    const changes = this.#changes;
    for (const element of this.#heap.inOrder()) {
      // The cast undoes the `| undefined` of an element that has left; this one has not.
      yield element.value as T;
      if (this.#changes !== changes) {
        throw new QueueError(
          'CHANGED_WHILE_ITERATING',
          'Expected the queue to stay as it is while it is iterated, ' +
            `got ${this.#changes - changes} change(s). ` +
            'Leave the loop before changing the queue, or iterate over a copy: [...queue].',
        );
      }
    }
  }

  #take(element: Element<T>): T | undefined {
    const { value } = element;
    // The arrival list may keep the element for a while; it must not keep the value.
    element.value = undefined;
    this.#heap.remove(element);
    this.#changes++;
    // As seldom as this, it costs O(1) amortised.
    if (this.#arrivals.length > 2 * this.size + SLACK) {
      this.#arrivals.prune();
      this.#heap.trim();
    }
    return value;
  }
}

function isCapacity(value: number): boolean {
  return value > 0 && (Number.isInteger(value) || value === Infinity);
}

/** `unknown`, because without a type checker a string may come, and would silently break the order. */
function isPriority(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(value);
}
