import { randomFillSync } from 'node:crypto';
import { openDevice } from '@vgpu/cuda-binding';
import { quantile } from '../lib/measured.mjs';

/** @typedef {import('@vgpu/cuda-binding').VectorAdder} VectorAdder */

const ELEMENTS = 1024 ** 2 / 4;
/** Vectors in flight on each device. */
const LANES = 4;

/**
 * Vectors of 1 MiB, drained from one queue by one device and by two, by turns: items per second.
 *
 * @param {{ items: number, rounds: number }} counts
 */
export async function measureTwoDevices({ items, rounds }) {
  const devices = await Promise.all([0, 1].map((index) => openDevice({ backend: 'cuda', index })));
  const lanes = await Promise.all(devices.map(lanesOf));
  /** @type {{ one: number, two: number }[]} */
  const rates = [];
  // The first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    const one = await drain(lanes.slice(0, 1).flat(), items);
    const two = await drain(lanes.flat(), 2 * items);
    if (round > 0) rates.push({ one, two });
  }
  await Promise.all(devices.map((device) => device.close()));
  const median = (/** @type {(rate: { one: number, two: number }) => number} */ of) =>
    quantile(rates.map(of), 0.5);
  return {
    onePerSecond: median(({ one }) => one),
    twoPerSecond: median(({ two }) => two),
    ratio: median(({ one, two }) => two / one),
  };
}

/** @param {VectorAdder} device */
function lanesOf(device) {
  return Promise.all(
    Array.from({ length: LANES }, async () => {
      const a = randomFillSync(await device.allocate(ELEMENTS));
      const b = randomFillSync(await device.allocate(ELEMENTS));
      return { device, a, b, out: await device.allocate(ELEMENTS) };
    }),
  );
}

/** @param {Awaited<ReturnType<typeof lanesOf>>} lanes @param {number} items */
async function drain(lanes, items) {
  let next = 0;
  const started = performance.now();
  await Promise.all(
    lanes.map(async ({ device, a, b, out }) => {
      while (next < items) {
        // Another sum each time, so that a stale one is noticed.
        const item = (next += 1);
        a[0] = item;
        const sum = (item + (b[0] ?? NaN)) | 0;
        await device.add(a, b, { out });
        if (out[0] !== sum) throw new Error(`a wrong sum on device ${device.device.index}`);
      }
    }),
  );
  return (1000 * items) / (performance.now() - started);
}
