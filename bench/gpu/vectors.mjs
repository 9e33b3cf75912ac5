import { randomFillSync } from 'node:crypto';
import { quantile } from '../lib/measured.mjs';

/**
 * @typedef {import('@vgpu/cuda-binding').VectorAdder} VectorAdder
 * @typedef {import('./floor.mjs').Floor} Floor
 * @typedef {'allocated' | 'out' | 'fresh'} Way
 * @typedef {{ us: number, gbPerSecond: number, ofFloor: number }} Speed
 * @typedef {{ bytes: number, repetitions: number } & Record<Way, Speed>} Vectors
 * @typedef {{ duplexIn: number, in: number, out: number }} Copies in bytes per second
 */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Bytes of an operand. */
export const SIZES = [4, 16, 64, 256, 1 * KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB].map(
  (kib) => kib * KIB,
);
const LARGEST = 256 * MIB;
/** Additions in one turn of a way, after one that does not count: the device is idle in others' turns. */
const PER_TURN = 3;

/**
 * The time of `await device.add(a, b)` with all of its memory from `allocate`, with ordinary arrays
 * and a reused `out`, and with ordinary arrays and a new result, by turns. The floor is the time of plain
 * copies of the same number of bytes in and out at the same time; they are measured before each size, and the
 * median of all counts.
 *
 * @param {VectorAdder} device @param {Floor} floor @param {{ totalBytes: number }} counts of one
 *   operand in one way, all repetitions of a size together
 * @returns {Promise<{ copies: Copies, sizes: Vectors[] }>}
 */
export async function measureVectors(device, floor, { totalBytes }) {
  const length = LARGEST / 4;
  const [a, b, allocatedOut] = await Promise.all([1, 2, 3].map(() => device.allocate(length)));
  if (!a || !b || !allocatedOut) throw new Error('nothing allocated');
  randomFillSync(a);
  randomFillSync(b);
  /** @type {Record<Way, { a: Int32Array, b: Int32Array, out?: Int32Array }>} */
  const memory = {
    allocated: { a, b, out: allocatedOut },
    out: { a: a.slice(), b: b.slice(), out: new Int32Array(length) },
    fresh: { a: a.slice(), b: b.slice() },
  };
  const ways = /** @type {Way[]} */ (Object.keys(memory));

  /** @type {number[]} */
  const copyTimes = [];
  const measured = [];
  for (const bytes of SIZES) {
    copyTimes.push(...(await floor.ask(`copy ${LARGEST} 3`)));
    const repetitions = Math.min(301, Math.max(9, Math.round(totalBytes / bytes)));
    /** @type {Record<Way, number[]>} */
    const times = { allocated: [], out: [], fresh: [] };
    for (let done = 0; done < repetitions; done += PER_TURN) {
      for (const way of ways) {
        const { a, b, out } = memory[way];
        const part = (/** @type {Int32Array} */ array) => array.subarray(0, bytes / 4);
        for (let i = 0; i <= PER_TURN; i += 1) {
          const us = await timeAdd(device, part(a), part(b), out && part(out));
          if (i > 0) times[way].push(us);
        }
      }
    }
    measured.push({ bytes, repetitions, times });
  }

  const median = (/** @type {number} */ direction) =>
    quantile(
      copyTimes.filter((_, index) => index % 3 === direction),
      0.5,
    );
  const copies = {
    duplexIn: (2 * LARGEST) / (median(0) / 1e9),
    in: (2 * LARGEST) / (median(1) / 1e9),
    out: LARGEST / (median(2) / 1e9),
  };
  const speed = (/** @type {number} */ bytes, /** @type {number[]} */ times) => {
    const us = quantile(times, 0.5);
    const bytesPerSecond = (2 * bytes) / (us / 1e6);
    return { us, gbPerSecond: bytesPerSecond / 1e9, ofFloor: bytesPerSecond / copies.duplexIn };
  };
  const sizes = measured.map(({ bytes, repetitions, times }) => ({
    bytes,
    repetitions,
    allocated: speed(bytes, times.allocated),
    out: speed(bytes, times.out),
    fresh: speed(bytes, times.fresh),
  }));
  return { copies, sizes };
}

/**
 * Microseconds. Some elements of `out` hold a wrong sum before, and the right one after.
 *
 * @param {VectorAdder} device @param {Int32Array} a @param {Int32Array} b
 * @param {Int32Array | undefined} out
 */
async function timeAdd(device, a, b, out) {
  const places = Array.from({ length: 17 }, (_, i) => Math.floor((i * (a.length - 1)) / 16));
  const sums = places.map((place) => ((a[place] ?? NaN) + (b[place] ?? NaN)) | 0);
  if (out) for (const [i, place] of places.entries()) out[place] = ~(sums[i] ?? NaN);
  const options = out ? { out } : {};
  const started = performance.now();
  const result = await device.add(a, b, options);
  const us = 1000 * (performance.now() - started);
  const wrong = places.find((place, i) => result[place] !== sums[i]);
  if (wrong !== undefined || result.length !== a.length || (out && result !== out)) {
    throw new Error(`a wrong result for ${a.byteLength} bytes, at element ${wrong}`);
  }
  return us;
}
