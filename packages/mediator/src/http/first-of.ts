/** Keeps those of many items that come first in an order, at the cost of few. */
export class FirstOf<T> {
  readonly #count: number;
  readonly #compare: (a: T, b: T) => number;
  #items: T[] = [];
  /** The last one of those that were first so far. */
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
