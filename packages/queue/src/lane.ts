import { GONE } from './gone.js';

/** Slots of a chunk: 2 KiB. Fewer cost more allocations, more cost more for a straggler. */
const SLOTS = 256;

/** A run of consecutive positions. */
class Chunk<T> {
  /** The position of the first slot. */
  first: number;
  /** Elements that were deleted while other chunks came first. */
  deleted = 0;
  /** GONE where no element is yet, or none any more. */
  readonly slots: (T | typeof GONE)[] = new Array<T | typeof GONE>(SLOTS).fill(GONE);

  constructor(first: number) {
    this.first = first;
  }
}

/**
 * A FIFO queue whose elements are found, and can be deleted, by their position: the number of
 * positions that were given away before, never used twice.
 *
 * It grows by chunks, which are not copied, and drops those without an element, also behind a first
 * element that stays. If not empty, the first slot holds an element, so that `first` and `shift` do
 * not search.
 */
export class Lane<T> {
  /** By rising positions; the first is `#head`, the last `#tail`. */
  #chunks: [Chunk<T>, ...Chunk<T>[]] = [new Chunk(0)];
  #head = this.#chunks[0];
  /** The slot of the first element in `#head`. */
  #headIndex = 0;
  #tail = this.#chunks[0];
  /** The slot of the next element in `#tail`; SLOTS if it is full. */
  #tailIndex = 0;
  #size = 0;
  /** An empty chunk to be used next. */
  #spare: Chunk<T> | undefined;

  get size(): number {
    return this.#size;
  }

  /** The first element. Only if there is one. */
  get first(): T {
    return this.#head.slots[this.#headIndex] as T;
  }

  /** Appends an element and gives its position. O(1). */
  push(value: T): number {
    if (this.#tailIndex === SLOTS) this.#extend();
    const index = this.#tailIndex++;
    this.#tail.slots[index] = value;
    this.#size++;
    return this.#tail.first + index;
  }

  /** Takes the first element out. Only if there is one. O(1) amortised. */
  shift(): T {
    const { slots } = this.#head;
    const value = slots[this.#headIndex] as T;
    slots[this.#headIndex++] = GONE;
    this.#size--;
    this.#settle();
    return value;
  }

  /** Takes out the element at a position, if it is there. O(log n). */
  delete(position: number): boolean {
    const at = this.#chunkOf(position);
    const chunk = this.#chunks[at];
    const index = position - (chunk?.first ?? 0);
    if (chunk === undefined || index >= SLOTS || chunk.slots[index] === GONE) return false;
    chunk.slots[index] = GONE;
    this.#size--;
    if (chunk === this.#head) this.#settle();
    else if (++chunk.deleted === SLOTS && chunk !== this.#tail) this.#chunks.splice(at, 1);
    return true;
  }

  /** Takes all elements out. O(1). */
  clear(): void {
    this.#tail = new Chunk(this.#tail.first);
    this.#size = 0;
    this.#restart();
  }

  /** The elements in order. The lane must not change meanwhile. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (const { slots } of this.#chunks) {
      for (const value of slots) if (value !== GONE) yield value;
    }
  }

  /** The index of the chunk that has a position, if any has. */
  #chunkOf(position: number): number {
    const chunks = this.#chunks;
    let low = 0;
    let high = chunks.length;
    while (low + 1 < high) {
      const middle = (low + high) >>> 1;
      if ((chunks[middle]?.first ?? Infinity) <= position) low = middle;
      else high = middle;
    }
    return low;
  }

  /** Moves the head on to the first element, dropping the chunks that it leaves behind. */
  #settle(): void {
    if (this.#size === 0) {
      this.#restart();
      return;
    }
    for (;;) {
      if (this.#headIndex === SLOTS) this.#dropHead();
      else if (this.#head.slots[this.#headIndex] === GONE) this.#headIndex++;
      else return;
    }
  }

  #dropHead(): void {
    this.#spare = this.#chunks.shift();
    this.#head = this.#chunks[0];
    this.#headIndex = 0;
  }

  /** Without elements: uses the tail's slots from the start again, for the positions that follow. */
  #restart(): void {
    this.#tail.first += this.#tailIndex;
    this.#tail.deleted = 0;
    this.#tailIndex = 0;
    if (this.#head !== this.#tail) this.#chunks = [this.#tail];
    this.#head = this.#tail;
    this.#headIndex = 0;
  }

  /** Makes room behind the tail, which is full. */
  #extend(): void {
    const first = this.#tail.first + SLOTS;
    // Nothing is left in it, and positions only rise.
    const isVacant = this.#tail.deleted === SLOTS;
    const chunk = isVacant ? this.#tail : (this.#spare ?? new Chunk<T>(first));
    if (!isVacant) {
      this.#chunks.push(chunk);
      this.#spare = undefined;
    }
    chunk.first = first;
    chunk.deleted = 0;
    this.#tail = chunk;
    this.#tailIndex = 0;
  }
}
