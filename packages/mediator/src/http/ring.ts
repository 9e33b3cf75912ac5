/** The last so many of what was pushed. */
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
