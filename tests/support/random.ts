import { randomInt } from 'node:crypto';

/** Looked up once: that of a global object is slow within jest. */
const { imul } = Math;

/** Random choices, the same ones for the same seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A whole number from 0 to 4294967295. */
  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A whole number from 0 to below the limit. */
  below(limit: number): number {
    return this.uint32() % limit;
  }

  /** A whole number from the one to the other, both included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** True once in this many times. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** @param probability From 0, never, to 1, always. */
  chance(probability: number): boolean {
    return this.uint32() < probability * 2 ** 32;
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('nothing to pick from');
    return list[this.below(list.length)] as T;
  }

  shuffle<T>(items: readonly T[]): T[] {
    const rest = [...items];
    return items.map(() => rest.splice(this.below(rest.length), 1)).flat();
  }
}

/** What decides a run of a fuzzer. */
export interface FuzzRun {
  readonly seed: number;
  readonly inputs: number;
}

/**
 * A new run, or the one that the environment asks for: `VGPU_FUZZ_SEED` replays one,
 * `VGPU_FUZZ_INPUTS` makes it longer or shorter than it is by default.
 */
export function fuzzRun(inputs: number): FuzzRun {
  return {
    seed: Number(process.env['VGPU_FUZZ_SEED'] ?? randomInt(2 ** 31)),
    inputs: Number(process.env['VGPU_FUZZ_INPUTS'] ?? inputs),
  };
}

/** How to see a run again. */
export const replay = ({ seed, inputs }: FuzzRun): string =>
  `VGPU_FUZZ_SEED=${seed} VGPU_FUZZ_INPUTS=${inputs}`;
