import { GONE } from './gone.js';

/**
 * Slots of a chunk: 2 KiB. Fewer slots cost more allocations; more slots keep more memory for one remaining
 * element.
 */
const SLOTS = 256;

/** A run of consecutive positions. */
class Chunk<T> {
  /** The position of the first slot. */
  first: number;
  /** Elements that were deleted while other chunks came first. */
  deleted = 0;
  /** GONE in the slots that have no element yet, or no longer have one. */
  readonly slots: (T | typeof GONE)[] = new Array<T | typeof GONE>(SLOTS).fill(GONE);

  constructor(first: number) {
    this.first = first;
  }
}

/**
 * A FIFO queue whose elements can be found and deleted by their position. Positions count up and are never
 * reused.
 *
 * It grows by chunks, which are not copied, and drops those without an element, even if earlier elements
 * stay. Unless it is empty, the first slot holds an element, so that `first` and `shift` do
 * not search.
 *
 * Its fields are private for the compiler only: as names with a `#` they would make the methods too
 * long for V8 to inline, and the queue a sixth slower.
 */
export class Lane<T> {
  /** By rising positions; the first is the head, the last the tail. */
  private chunks: [Chunk<T>, ...Chunk<T>[]] = [new Chunk(0)];
  /** The slots of the head, and the index of the first element there. */
  private head = this.chunks[0].slots;
  private headIndex = 0;
  private tail = this.chunks[0];
  /** The index of the next element in the tail; SLOTS if it is full. */
  private tailIndex = 0;
  /** Slots between the first element and the end whose elements were deleted. */
  private gaps = 0;
  /** An empty chunk, for the next extension. */
  private spare: Chunk<T> | undefined;

  /** 1 if it is empty, otherwise 0: a number, because a branch would often be mispredicted. */
  get isEmpty(): number {
    return +(this.headIndex === this.tailIndex) & +(this.head === this.tail.slots);
  }

  /** Number of elements that were pushed so far: the position of the next one. */
  get end(): number {
    return this.tail.first + this.tailIndex;
  }

  /** The first element. The lane must not be empty. */
  get first(): T {
    return this.head[this.headIndex] as T;
  }

  /** Appends an element and returns its position. O(1). */
  push(value: T): number {
    if (this.tailIndex === SLOTS) this.extend();
    const tail = this.tail;
    const index = this.tailIndex++;
    tail.slots[index] = value;
    return tail.first + index;
  }

  /** Removes the first element. The lane must not be empty. O(1) amortised. */
  shift(): T {
    const head = this.head;
    const index = this.headIndex;
    const value = head[index] as T;
    head[index] = GONE;
    this.headIndex = index + 1;
    if (index + 1 === SLOTS || this.gaps > 0) this.settle();
    return value;
  }

  /** Removes the element at a position, if it has not left. O(log n). */
  delete(position: number): boolean {
    const at = this.chunkOf(position);
    const chunk = this.chunks[at];
    const index = position - (chunk?.first ?? 0);
    if (chunk === undefined || index < 0 || index >= SLOTS) return false;
    if (chunk.slots[index] === GONE) return false;
    chunk.slots[index] = GONE;
    chunk.deleted++;
    this.gaps++;
    if (chunk.slots === this.head) this.settle();
    else if (chunk.deleted === SLOTS && chunk !== this.tail) {
      this.chunks.splice(at, 1);
      this.gaps -= SLOTS;
    }
    return true;
  }

  /** Removes all elements. O(1). */
  clear(): void {
    const tail = new Chunk<T>(this.end);
    this.chunks = [tail];
    this.head = tail.slots;
    this.headIndex = 0;
    this.tail = tail;
    this.tailIndex = 0;
    this.gaps = 0;
  }

  /** The elements in order. The lane must not change meanwhile. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (const { slots } of this.chunks) {
      for (const value of slots) if (value !== GONE) yield value;
    }
  }

  /** The index of the chunk with a position, if any chunk has it. */
  private chunkOf(position: number): number {
    const chunks = this.chunks;
    let low = 0;
    let high = chunks.length;
    while (low + 1 < high) {
      const middle = (low + high) >>> 1;
      if ((chunks[middle]?.first ?? Infinity) <= position) low = middle;
      else high = middle;
    }
    return low;
  }

  /** Advances the head over gaps and to the next chunk. */
  private settle(): void {
    for (;;) {
      if (this.headIndex === SLOTS) this.leaveChunk();
      else if (this.gaps > 0 && this.head[this.headIndex] === GONE) {
        this.headIndex++;
        this.gaps--;
      } else return;
    }
  }

  /** Advances the head to the next chunk, or to the start of the same one if there is no other. */
  private leaveChunk(): void {
    if (this.chunks.length > 1) this.spare = this.chunks.shift();
    else this.reuse(this.tail);
    this.head = this.chunks[0].slots;
    this.headIndex = 0;
  }

  /** Makes room behind the tail, which is full. */
  private extend(): void {
    if (this.tail.deleted === SLOTS) {
      this.gaps -= SLOTS;
      this.reuse(this.tail);
    } else {
      const chunk = this.spare ?? new Chunk<T>(0);
      this.spare = undefined;
      this.chunks.push(chunk);
      this.reuse(chunk);
    }
  }

  /** Makes an empty chunk the tail, for the next positions. */
  private reuse(chunk: Chunk<T>): void {
    chunk.first = this.end;
    chunk.deleted = 0;
    this.tail = chunk;
    this.tailIndex = 0;
  }
}
