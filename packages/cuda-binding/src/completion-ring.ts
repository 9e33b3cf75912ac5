/**
 * The completion words that the device writes into pinned memory (kernels/kernel_interface.h): for each
 * ticket in flight, two int32, the value and then the ticket.
 */
export class CompletionRing {
  readonly #words: Int32Array;
  readonly #mask: number;

  /** `memory` has `capacity` words; that is a power of two. */
  constructor(memory: ArrayBuffer, capacity: number) {
    this.#words = new Int32Array(memory);
    this.#mask = capacity - 1;
  }

  /** Whether the launch of a ticket has ended. */
  has(ticket: number): boolean {
    // Atomically, so that the value, which was written no later, is not read before.
    return Atomics.load(this.#words, this.#indexOf(ticket) + 1) === (ticket | 0);
  }

  /** The value of a launch that has ended, as int32. It is wiped. */
  take(ticket: number): number {
    const index = this.#indexOf(ticket);
    const value = this.#words[index] ?? 0;
    this.#words[index] = 0;
    return value;
  }

  #indexOf(ticket: number): number {
    return 2 * (ticket & this.#mask);
  }
}
