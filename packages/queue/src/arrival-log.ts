import { GONE } from './gone.js';

/**
 * Elements in order of arrival, to be found by their arrival number. Each has a slot: its index here,
 * so that slots have the order of arrival, too.
 *
 * To close the gap of an element that has left would cost O(n), so it stays until `compact`.
 */
export class ArrivalLog<T> {
  /** By slot. */
  #values: (T | typeof GONE)[] = [];
  /** The arrival numbers of the slots that outlived the last `compact`, rising. */
  #kept: Float64Array = new Float64Array(0);
  /** The arrival number of the first slot behind those. From there on, numbers have no gaps. */
  #firstNew = 0;

  /** Number of slots, with those whose elements have left since the last `compact`. */
  get length(): number {
    return this.#values.length;
  }

  /**
   * The arrival number of the next element: how many there were before it. It is never reset, and
   * stays exact for 2^53 elements: 28 years at ten million a second.
   */
  get next(): number {
    return this.#firstNew + (this.#values.length - this.#kept.length);
  }

  /** Takes in an element and gives its slot. */
  append(value: T): number {
    return this.#values.push(value) - 1;
  }

  /** The element of a slot that has not left. */
  at(slot: number): T {
    return this.#values[slot] as T;
  }

  /** Lets the element of a slot leave. */
  take(slot: number): T {
    const value = this.#values[slot] as T;
    this.#values[slot] = GONE;
    return value;
  }

  /** The slot of the element with this arrival number; -1 if it has left or never came. O(log n). */
  find(arrival: number): number {
    const slot =
      arrival >= this.#firstNew
        ? this.#kept.length + (arrival - this.#firstNew)
        : indexOf(this.#kept, arrival);
    return slot in this.#values && this.#values[slot] !== GONE ? slot : -1;
  }

  /**
   * Drops what has left, and so gives the others new slots, in the same order. O(length).
   *
   * @param size number of elements that have not left
   * @returns the new slots, by the old ones
   */
  compact(size: number): Int32Array {
    const values = this.#values;
    const kept = this.#kept;
    const next = this.next;
    const slots = new Int32Array(values.length);
    // Without branches, which would be predicted wrongly: the next one overwrites what has left.
    const stayed = new Int32Array(size + 1);
    let count = 0;
    for (let slot = 0; slot < values.length; slot++) {
      slots[slot] = count;
      stayed[count] = slot;
      count += +(values[slot] !== GONE);
    }
    const arrivals = new Float64Array(size);
    const offset = this.#firstNew - kept.length;
    for (let index = 0; index < size; index++) {
      const slot = stayed[index] ?? 0;
      arrivals[index] = slot < kept.length ? (kept[slot] ?? 0) : offset + slot;
      values[index] = values[slot] as T;
    }
    values.length = size;
    this.#kept = arrivals;
    this.#firstNew = next;
    return slots;
  }

  /** Lets all elements leave. */
  clear(): void {
    this.#firstNew = this.next;
    this.#kept = new Float64Array(0);
    this.#values = [];
  }
}

/** The index of a number in a rising list; -1 if it is not there. */
function indexOf(list: Float64Array, number: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? Infinity) < number) low = middle + 1;
    else high = middle;
  }
  return list[low] === number ? low : -1;
}
