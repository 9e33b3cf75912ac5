/** The position of an item that is in no heap. */
export const ABSENT = -1;

/** What a heap orders. An item is in at most one heap, and `position` belongs to that heap. */
export interface HeapItem {
  /** Any number but NaN. */
  readonly priority: number;
  /** Different for every item of a heap, so that no two items are equal. */
  readonly arrival: number;
  /** Index in the heap, or ABSENT. */
  position: number;
}

/** An item's stand-in in a second heap, because its own position belongs to the first. */
interface Candidate<Item> extends HeapItem {
  readonly item: Item;
}

/** The order of the queue: higher priority first, then earlier arrival. */
function precedes(a: HeapItem, b: HeapItem): boolean {
  return a.priority > b.priority || (a.priority === b.priority && a.arrival < b.arrival);
}

/** A binary heap whose items know their position, so that any of them can be removed. */
export class Heap<Item extends HeapItem> {
  /** No item precedes its parent; the children of position p are at 2p + 1 and 2p + 2. */
  #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The item that precedes all others; undefined if there is none. */
  get first(): Item | undefined {
    return this.#items[0];
  }

  /** Takes in an item that is in no heap. O(log n). */
  insert(item: Item): void {
    this.#settle(item, this.#items.length);
  }

  /** Takes out an item of this heap. O(log n). */
  remove(item: Item): void {
    const vacancy = item.position;
    item.position = ABSENT;
    const last = this.#items.pop();
    if (last !== undefined && last !== item) this.#settle(last, vacancy);
  }

  /** Gives back the memory of items that were removed: an array does not shrink by itself. O(n). */
  trim(): void {
    this.#items = this.#items.slice();
  }

  /**
   * Gives the items in order and leaves them in. The heap must not change meanwhile. The first k
   * items cost O(k log k).
   */
  *inOrder(): Generator<Item, void, undefined> {
    // What comes next is always a child of something that came before.
    const frontier = new Heap<Candidate<Item>>();
    const reach = (item: Item | undefined): void => {
      if (item === undefined) return;
      const { priority, arrival } = item;
      frontier.insert({ item, priority, arrival, position: ABSENT });
    };

    reach(this.first);
    for (let next = frontier.first; next !== undefined; next = frontier.first) {
      const { item } = next;
      yield item;
      frontier.remove(next);
      reach(this.#items[2 * item.position + 1]);
      reach(this.#items[2 * item.position + 2]);
    }
  }

  /**
   * Moves a vacancy up, or else down, to where `item` belongs, and puts it there. Both ways are
   * needed: what `remove` puts in the place of an item may come from another branch.
   */
  #settle(item: Item, vacancy: number): void {
    let parent = this.#parentOf(vacancy);
    while (parent !== undefined && precedes(item, parent)) {
      vacancy = this.#move(parent, vacancy);
      parent = this.#parentOf(vacancy);
    }
    let child = this.#firstChildOf(vacancy);
    while (child !== undefined && precedes(child, item)) {
      vacancy = this.#move(child, vacancy);
      child = this.#firstChildOf(vacancy);
    }
    this.#move(item, vacancy);
  }

  /** Puts an item at a vacancy and gives the vacancy that this leaves. */
  #move(item: Item, vacancy: number): number {
    const left = item.position;
    this.#items[vacancy] = item;
    item.position = vacancy;
    return left;
  }

  #parentOf(position: number): Item | undefined {
    return position === 0 ? undefined : this.#items[(position - 1) >>> 1];
  }

  #firstChildOf(position: number): Item | undefined {
    const left = this.#items[2 * position + 1];
    const right = this.#items[2 * position + 2];
    return left !== undefined && right !== undefined && precedes(right, left) ? right : left;
  }
}
