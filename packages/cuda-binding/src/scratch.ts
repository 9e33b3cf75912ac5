const SLOTS = 16;

/** Elements of a vector that fits into a slot: 64 KiB, which a processor copies in 5 microseconds. */
export const SCRATCH_LENGTH = 16_384;

/** The size of the memory that `Scratch` needs, in elements. */
export const SCRATCH_TOTAL_LENGTH = SLOTS * 3 * SCRATCH_LENGTH;

/** Pinned memory for one addition. */
export interface ScratchSlot {
  readonly a: Int32Array;
  readonly b: Int32Array;
  readonly out: Int32Array;
}

/**
 * Pinned memory for short vectors: copying them is cheaper than passing them to other threads. A slot
 * is wiped before it is used again, so that no addition finds the numbers of another.
 */
export class Scratch {
  readonly #free: ScratchSlot[] = [];

  /** `memory` is pinned memory of `SCRATCH_TOTAL_LENGTH` elements. */
  constructor(memory: Int32Array) {
    const part = (index: number) =>
      memory.subarray(index * SCRATCH_LENGTH, (index + 1) * SCRATCH_LENGTH);
    for (let i = 0; i < 3 * SLOTS; i += 3) {
      this.#free.push({ a: part(i), b: part(i + 1), out: part(i + 2) });
    }
  }

  /** A slot with these operands in it, or undefined if all are in use. */
  take(a: Int32Array, b: Int32Array): ScratchSlot | undefined {
    const slot = this.#free.pop();
    slot?.a.set(a);
    slot?.b.set(b);
    return slot;
  }

  /** Wipes a slot after an addition of vectors of this length, and makes it free. */
  release(slot: ScratchSlot, length: number): void {
    slot.a.fill(0, 0, length);
    slot.b.fill(0, 0, length);
    slot.out.fill(0, 0, length);
    this.#free.push(slot);
  }
}
