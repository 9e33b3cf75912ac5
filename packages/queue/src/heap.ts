// Every index below is that of a place that is taken, or of a slot; the compiler can't know.
/* eslint-disable @typescript-eslint/no-non-null-assertion */

/** Each place has so many children: half the depth of a binary heap, and they share a cache line. */
const ARITY = 4;

/**
 * A heap of slots: integers that are ordered by a key, and among equal keys by themselves. Any of
 * them can be removed.
 *
 * Where a slot stands is written down when it is put somewhere, but not when it moves up by one to
 * fill a vacancy: this is what mostly happens, and would cost a third of the time. So a slot stands
 * at the place that was written down, or at an ancestor of it.
 */
export class Heap {
  #size = 0;
  /**
   * By place: no place comes before its parent; the children of p are 4p + 1 to 4p + 4. NaN where no
   * slot is, which comes before nothing, so that there are always four children to compare.
   */
  #keys: Float64Array;
  #slots: Int32Array;
  /** By slot: where it was put. */
  #places: Int32Array;

  /** @param room as many slots can be there, and they are less than that */
  constructor(room: number) {
    const { keys, slots, places } = allocate(room);
    this.#keys = keys;
    this.#slots = slots;
    this.#places = places;
  }

  get size(): number {
    return this.#size;
  }

  get room(): number {
    return this.#slots.length;
  }

  /** The slot that comes before all others. Only if there is one. */
  get first(): number {
    return this.#slots[0]!;
  }

  /** Takes in a slot that is not in. O(log n). */
  insert(slot: number, key: number): void {
    this.#rise(this.#size++, slot, key);
  }

  /** Takes out the first slot. Only if there is one. O(log n). */
  removeFirst(): void {
    this.#vacate(0);
  }

  /** Takes out a slot that is in. O(log n). */
  remove(slot: number): void {
    this.#vacate(this.#placeOf(slot));
  }

  clear(): void {
    this.#size = 0;
  }

  /** Gives all slots new numbers, which have the same order. O(n). */
  renumber(numbers: Int32Array): void {
    for (let place = 0; place < this.#size; place++) {
      const slot = numbers[this.#slots[place]!]!;
      this.#slots[place] = slot;
      this.#places[slot] = place;
    }
  }

  /** Changes the room; it must do for the slots that are in. O(n). */
  resize(room: number): void {
    const { keys, slots, places } = allocate(room);
    keys.set(this.#keys.subarray(0, this.#size));
    slots.set(this.#slots.subarray(0, this.#size));
    places.set(this.#places.subarray(0, Math.min(room, this.room)));
    this.#keys = keys;
    this.#slots = slots;
    this.#places = places;
  }

  /**
   * Gives the slots in order and leaves them in. The heap must not change meanwhile. The first k
   * cost O(k log k), and memory that is zero for each slot.
   */
  *inOrder(): Generator<number, void, undefined> {
    // What comes next is always a child of something that came before.
    const frontier = new Heap(this.room);
    if (this.#size > 0) frontier.insert(this.first, this.#keys[0]!);
    while (frontier.size > 0) {
      const slot = frontier.first;
      yield slot;
      frontier.removeFirst();
      const child = ARITY * this.#placeOf(slot) + 1;
      for (let place = child; place < Math.min(child + ARITY, this.#size); place++)
        frontier.insert(this.#slots[place]!, this.#keys[place]!);
    }
  }

  #placeOf(slot: number): number {
    let place = this.#places[slot]!;
    while (this.#slots[place] !== slot) place = (place - 1) >>> 2;
    return place;
  }

  /** Moves a vacancy up to where a slot belongs, puts it there, and writes down where that is. */
  #rise(vacancy: number, slot: number, key: number): void {
    const keys = this.#keys;
    const slots = this.#slots;
    const places = this.#places;
    let place = vacancy;
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

  /**
   * Moves a vacancy down to the bottom, and the last slot there, from where it rises to its place:
   * it is mostly near. To compare it on the way down would cost more.
   */
  #vacate(vacancy: number): void {
    const keys = this.#keys;
    const slots = this.#slots;
    const last = --this.#size;
    const lastKey = keys[last]!;
    const lastSlot = slots[last]!;
    keys[last] = NaN;
    let place = vacancy;
    let child = ARITY * place + 1;
    while (child < last) {
      // Comparisons are used as numbers: of branches, half would be predicted wrongly.
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
      if (isTie) next = this.#firstOf(child);
      const key = keys[next]!;
      const slot = slots[next]!;
      keys[place] = key;
      slots[place] = slot;
      place = next;
      child = ARITY * place + 1;
    }
    if (place < last) this.#rise(place, lastSlot, lastKey);
  }

  /** The one of the children, from that place on, whose slot comes first. */
  #firstOf(child: number): number {
    const keys = this.#keys;
    const slots = this.#slots;
    let first = child;
    for (let place = child + 1; place < child + ARITY; place++) {
      const key = keys[place]!;
      const firstKey = keys[first]!;
      if (key < firstKey || (key === firstKey && slots[place]! < slots[first]!)) first = place;
    }
    return first;
  }
}

/** In one piece, because to allocate three takes three times as long. */
function allocate(room: number) {
  // The last children may be beyond the room.
  const length = room + ARITY;
  const buffer = new ArrayBuffer(8 * length + 8 * room);
  return {
    keys: new Float64Array(buffer, 0, length).fill(NaN),
    slots: new Int32Array(buffer, 8 * length, room),
    places: new Int32Array(buffer, 8 * length + 4 * room, room),
  };
}
