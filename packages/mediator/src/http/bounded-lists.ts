/** Keeps the first of many items in an order, in bounded memory. */
export class FirstOf<T> {
  readonly #count: number;
  readonly #compare: (a: T, b: T) => number;
  #items: T[] = [];
  /** The last of the first items so far. */
  #last: T | undefined;

  constructor(count: number, compare: (a: T, b: T) => number) {
    this.#count = count;
    this.#compare = compare;
  }

  push(item: T): void {
    if (this.#last !== undefined && this.#compare(item, this.#last) >= 0) return;
    this.#items.push(item);
    if (this.#items.length < 2 * this.#count) return;
    this.#items = this.first();
    this.#last = this.#items.at(-1);
  }

  /** In their order. */
  first(): T[] {
    return this.#items.toSorted(this.#compare).slice(0, this.#count);
  }
}

/** The last items that were pushed, in a fixed number. */
export class Ring<T> {
  readonly #room: number;
  readonly #items: T[] = [];
  #next = 0;

  constructor(room: number) {
    this.#room = room;
  }

  push(item: T): void {
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.#room;
  }

  oldestFirst(): T[] {
    return [...this.#items.slice(this.#next), ...this.#items.slice(0, this.#next)];
  }

  latestFirst(): T[] {
    return this.oldestFirst().reverse();
  }
}
