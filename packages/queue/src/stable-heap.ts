// Every index below is that of an occupied place or of a slot, which the compiler cannot know.
/* eslint-disable @typescript-eslint/no-non-null-assertion */
import { GONE } from './gone.js';

/** The children of each place: half the depth of a binary heap, and they share a cache line. */
const ARITY = 4;

/** The room for elements at first: 1 KiB. */
const FIRST_ROOM = 64;

/** The least room for elements after a growth: shrinking further is not worth the work. */
const MIN_ROOM = 1024;

const NO_PLACE = -1;

/**
 * Elements in the order of their keys, and among equal keys in that of their arrival. They can be found and
 * deleted by their arrival number, which counts up and is never reused. It stays exact for 2^53 elements: 28
 * years at ten million a second.
 *
 * Each element gets the next unused slot, so slots have the order of arrival, too. Closing the gap of an
 * element that has left would cost O(n), so the gap stays until all slots are used.
 *
 * The heap holds slots. A slot that leaves it leaves a vacancy, which the next one fills: if pushes and pops
 * alternate, this halves the work. Every other operation closes the vacancy first.
 *
 * The place of a slot is recorded when it is inserted, but not when it moves up by one to close a gap: that
 * is the most frequent move, and recording it would cost a third of the time. So a slot is at its recorded
 * place, or at an ancestor of it.
 *
 * It is one class, and its fields are private for the compiler only: as a heap and a log of arrivals, with
 * `#` names, it took a sixth more time, and half as much again when it was held at a depth.
 */
export class StableHeap<T> {
  /** Number of elements. */
  size = 0;
  /** Number of slots. */
  private room = 0;
  /** By slot: its element, or GONE once that has left. */
  private values: (T | typeof GONE)[] = [];
  /** The arrival numbers of the slots that the last `makeRoom` kept, rising. */
  private kept = new Float64Array(0);
  /** The arrival number of the first slot after those, minus that slot. From there on there are no gaps. */
  private offset = 0;
  /**
   * By place: no place comes before its parent; the children of p are 4p + 1 to 4p + 4. NaN in places without
   * a slot: it comes before nothing, so that there are always four children to compare.
   */
  private keys!: Float64Array;
  private slots!: Int32Array;
  /** By slot: its recorded place. */
  private places!: Int32Array;
  /** The place of the slot that left last, unless it was filled since. */
  private vacancy = NO_PLACE;

  constructor() {
    this.allocate(FIRST_ROOM);
  }

  /** The arrival number of the next element. */
  get next(): number {
    return this.offset + this.values.length;
  }

  /** The first element. The heap must not be empty. */
  get first(): T {
    this.closeVacancy();
    return this.values[this.slots[0]!] as T;
  }

  /** Adds an element and returns its arrival number. O(log n) amortised. */
  push(value: T, key: number): number {
    if (this.values.length === this.room) this.makeRoom();
    const slot = this.values.push(value) - 1;
    this.insert(slot, key);
    return this.offset + slot;
  }

  /** Removes the first element. The heap must not be empty. O(log n) amortised. */
  shift(): T {
    this.closeVacancy();
    const slot = this.slots[0]!;
    const value = this.values[slot] as T;
    this.leave(slot, 0);
    return value;
  }

  /** Removes the element with an arrival number, if it has not left. O(log n) amortised. */
  delete(arrival: number): boolean {
    const newest = arrival - this.offset;
    const slot = newest >= this.kept.length ? newest : indexOf(this.kept, arrival);
    if (!(slot in this.values) || this.values[slot] === GONE) return false;
    this.closeVacancy();
    this.leave(slot, this.placeOf(slot));
    return true;
  }

  /** Removes all elements. O(1). */
  clear(): void {
    this.offset = this.next;
    this.kept = new Float64Array(0);
    this.values = [];
    this.size = 0;
    this.vacancy = NO_PLACE;
    this.allocate(FIRST_ROOM);
  }

  /**
   * The elements in order. They must not change meanwhile. The first k cost O(k log k), and memory
   * that is zero for each slot.
   */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    this.closeVacancy();
    // The next one is always a child of an earlier one.
    const frontier = new StableHeap<T>();
    frontier.allocate(this.room);
    if (this.size > 0) frontier.insert(this.slots[0]!, this.keys[0]!);
    while (frontier.size > 0) {
      frontier.closeVacancy();
      const slot = frontier.slots[0]!;
      yield this.values[slot] as T;
      frontier.vacate(0);
      const child = ARITY * this.placeOf(slot) + 1;
      for (let place = child; place < Math.min(child + ARITY, this.size); place++)
        frontier.insert(this.slots[place]!, this.keys[place]!);
    }
  }

  /** Removes the element of a slot at a place, and keeps memory proportional to `size`. */
  private leave(slot: number, place: number): void {
    this.values[slot] = GONE;
    this.vacate(place);
    if (this.isTooLarge) this.makeRoom();
  }

  private get isTooLarge(): boolean {
    return this.room > MIN_ROOM && this.room > 8 * this.size;
  }

  private vacate(place: number): void {
    this.vacancy = place;
    this.size--;
  }

  private insert(slot: number, key: number): void {
    const vacancy = this.vacancy;
    const end = this.size++;
    if (vacancy === NO_PLACE) this.rise(end, slot, key);
    else {
      this.vacancy = NO_PLACE;
      this.sink(vacancy, slot, key);
    }
  }

  /** Moves the last slot into the vacancy, if there is one. */
  private closeVacancy(): void {
    const vacancy = this.vacancy;
    if (vacancy === NO_PLACE) return;
    this.vacancy = NO_PLACE;
    const last = this.size;
    const key = this.keys[last]!;
    this.keys[last] = NaN;
    if (vacancy < last) this.sink(vacancy, this.slots[last]!, key);
  }

  private placeOf(slot: number): number {
    let place = this.places[slot]!;
    while (this.slots[place] !== slot) place = (place - 1) >>> 2;
    return place;
  }

  /** Moves a gap up to the place of a slot, puts the slot there, and records the place. */
  private rise(gap: number, slot: number, key: number): void {
    const keys = this.keys;
    const slots = this.slots;
    const places = this.places;
    let place = gap;
    while (place > 0) {
      const parent = (place - 1) >>> 2;
      const parentKey = keys[parent]!;
      const parentSlot = slots[parent]!;
      if (parentKey < key || (parentKey === key && parentSlot < slot)) break;
      keys[place] = parentKey;
      slots[place] = parentSlot;
      places[parentSlot] = place;
      place = parent;
    }
    keys[place] = key;
    slots[place] = slot;
    places[slot] = place;
  }

  /** Moves a gap down, or otherwise up, to the place of a slot, and puts the slot there. */
  private sink(gap: number, slot: number, key: number): void {
    const keys = this.keys;
    const slots = this.slots;
    const end = this.size;
    let place = gap;
    let child = ARITY * place + 1;
    while (child < end) {
      // Comparisons are used as numbers: half of the branches would be mispredicted.
      const key0 = keys[child]!;
      const key1 = keys[child + 1]!;
      const key2 = keys[child + 2]!;
      const key3 = keys[child + 3]!;
      const left = child + +(key1 < key0);
      const right = child + 2 + +(key3 < key2);
      const leftKey = keys[left]!;
      const rightKey = keys[right]!;
      let next = left ^ ((left ^ right) & -+(rightKey < leftKey));
      const isTie = key0 === key1 || key2 === key3 || leftKey === rightKey;
      if (isTie) next = this.firstOf(child);
      const nextKey = keys[next]!;
      const nextSlot = slots[next]!;
      if (key < nextKey || (key === nextKey && slot < nextSlot)) break;
      keys[place] = nextKey;
      slots[place] = nextSlot;
      place = next;
      child = ARITY * place + 1;
    }
    this.rise(place, slot, key);
  }

  /** Of the children from a place on, the one whose slot comes first. */
  private firstOf(child: number): number {
    const keys = this.keys;
    const slots = this.slots;
    let first = child;
    for (let place = child + 1; place < child + ARITY; place++) {
      const key = keys[place]!;
      const firstKey = keys[first]!;
      if (key < firstKey || (key === firstKey && slots[place]! < slots[first]!)) first = place;
    }
    return first;
  }

  /** Doubles or shrinks the room to fit the elements. O(n), which is O(1) amortised. */
  private makeRoom(): void {
    this.closeVacancy();
    const { size, room } = this;
    if (size < this.values.length) this.compact();
    if (room < 2 * size || this.isTooLarge) this.allocate(Math.max(MIN_ROOM, 2 * size));
  }

  /** Drops the slots without an element; the others get new slots, in the same order. */
  private compact(): void {
    const { size, values, kept, offset, next, slots, places } = this;
    const arrivals = new Float64Array(size);
    const moved = new Int32Array(values.length);
    let count = 0;
    for (let slot = 0; slot < values.length; slot++) {
      const value = values[slot] as T | typeof GONE;
      if (value === GONE) continue;
      values[count] = value;
      arrivals[count] = slot < kept.length ? kept[slot]! : offset + slot;
      moved[slot] = count++;
    }
    values.length = size;
    this.kept = arrivals;
    this.offset = next - size;
    for (let place = 0; place < size; place++) {
      const slot = moved[slots[place]!]!;
      slots[place] = slot;
      places[slot] = place;
    }
  }

  /** Sets the room; it must suffice for the used slots. */
  private allocate(room: number): void {
    const { keys, slots, places, size } = this;
    // The last children may be beyond the room.
    this.keys = new Float64Array(room + ARITY).fill(NaN);
    this.slots = new Int32Array(room);
    this.places = new Int32Array(room);
    this.room = room;
    if (size === 0) return;
    this.keys.set(keys.subarray(0, size));
    this.slots.set(slots.subarray(0, size));
    this.places.set(places.subarray(0, this.values.length));
  }
}

/** The index of a number in a rising list; -1 if it is not in the list. */
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
