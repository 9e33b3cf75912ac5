import { ABSENT, type HeapItem } from './heap.js';

/**
 * The items of a heap in order of arrival, to find them by their arrival number.
 *
 * Taking an item out of the middle would cost O(n), so one that has left stays in the list, marked
 * by its position, until `prune` drops it.
 */
export class ArrivalList<Item extends HeapItem> {
  #items: Item[] = [];

  /** Number of items, with those that have left since the last `prune`. */
  get length(): number {
    return this.#items.length;
  }

  /** Takes in an item that arrived later than all those before. */
  append(item: Item): void {
    this.#items.push(item);
  }

  /** The item with this arrival number; undefined if it has left or never came. O(log n). */
  find(arrival: number): Item | undefined {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const item = this.#items[middle];
      if (item !== undefined && item.arrival < arrival) low = middle + 1;
      else high = middle;
    }
    const item = this.#items[low];
    return item?.arrival === arrival && item.position !== ABSENT ? item : undefined;
  }

  /** Drops the items that have left. O(length). */
  prune(): void {
    this.#items = this.#items.filter((item) => item.position !== ABSENT);
  }
}
