import { ArrivalLog } from './arrival-log.js';
import { checkedCapacity, queueFull } from './capacity.js';
import type { Handle } from './handle.js';
import { Heap } from './heap.js';
import { changedWhileIterating, QueueError } from './queue-error.js';

/** Options of {@link PriorityQueue}. */
export interface PriorityQueueOptions {
  /** The most elements that the queue may hold: a positive integer or Infinity (the default). */
  readonly capacity?: number;
}

/** Elements for which a queue has room at first: 1 KiB. */
const FIRST_ROOM = 64;

/** Elements for which it has room once there were more: less is not worth the work. */
const MIN_ROOM = 1024;

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
  readonly #log = new ArrivalLog<T>();
  /** The slots of the log whose elements have not left; by its room, the most that the log may have. */
  #heap = new Heap(FIRST_ROOM);

  /** @throws {QueueError} INVALID_CAPACITY: the capacity is no positive integer nor Infinity. */
  constructor({ capacity = Infinity }: PriorityQueueOptions = {}) {
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
    if (this.size >= this.#capacity) throw queueFull(this.#capacity, this.size);
    if (this.#log.length === this.#heap.room) this.#makeRoom();
    const handle = this.#log.next as Handle;
    this.#heap.insert(this.#log.append(value), -priority);
    return handle;
  }

  /**
   * Removes the first element. O(log n).
   *
   * @returns its value; undefined if the queue is empty (`size` tells this from an element whose
   *   value is undefined)
   */
  pop(): T | undefined {
    if (this.size === 0) return undefined;
    const value = this.#log.take(this.#heap.first);
    this.#heap.removeFirst();
    this.#giveBack();
    return value;
  }

  /** The value that `pop` would return, without removing it. O(1). */
  peek(): T | undefined {
    return this.size === 0 ? undefined : this.#log.at(this.#heap.first);
  }

  /**
   * Removes the element that a handle names, wherever it stands. O(log n).
   *
   * @param handle what `push` of this queue returned
   * @returns true if the element was removed; false if it had left already
   */
  delete(handle: Handle): boolean {
    const slot = this.#log.find(handle);
    if (slot < 0) return false;
    this.#log.take(slot);
    this.#heap.remove(slot);
    this.#giveBack();
    return true;
  }

  /** Removes all elements. O(1). Their handles stay stale for ever. */
  clear(): void {
    this.#log.clear();
    this.#heap = new Heap(FIRST_ROOM);
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
    for (const slot of this.#heap.inOrder()) {
      yield this.#log.at(slot);
      if (this.#changes !== changes) throw changedWhileIterating(this.#changes - changes);
    }
  }

  /** Number of elements added and removed so far. */
  get #changes(): number {
    return 2 * this.#log.next - this.size;
  }

  get #isTooLarge(): boolean {
    const { size, room } = this.#heap;
    return room > MIN_ROOM && room > 8 * size;
  }

  /** After elements have left: keeps memory proportional to `size`. */
  #giveBack(): void {
    if (this.#isTooLarge) this.#makeRoom();
  }

  /** Makes room in the log for as many elements as there are. O(n), which is O(1) amortised. */
  #makeRoom(): void {
    const { size, room } = this.#heap;
    if (size < this.#log.length) this.#heap.renumber(this.#log.compact(size));
    if (room < 2 * size || this.#isTooLarge) this.#heap.resize(Math.max(MIN_ROOM, 2 * size));
  }
}

/** `unknown`, because without a type checker a string may come, and would silently break the order. */
function isPriority(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(value);
}
