// Callers that take memory away while it is in use. Argument: which one.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openDevice } from '@vgpu/cuda-binding';

import { arm, outcomeOf, print } from './child.mjs';

const device = await openDevice({ backend: 'cuda' });

/** @param {number} length */
function resizable(length) {
  const bytes = 4 * length;
  // From ES2024.
  const Resizable =
    /** @type {new (bytes: number, options: object) => ArrayBuffer & { resize(bytes: number): void }} */ (
      /** @type {unknown} */ (ArrayBuffer)
    );
  return new Int32Array(new Resizable(bytes, { maxByteLength: bytes }));
}

/** @param {Int32Array} array */
function shrink(array) {
  /** @type {{ resize(bytes: number): void }} */ (/** @type {unknown} */ (array.buffer)).resize(0);
}

/** @param {Int32Array} array */
function detach(array) {
  structuredClone(array, { transfer: [/** @type {ArrayBuffer} */ (array.buffer)] });
}

/**
 * Does something while kernels are held, and lets them go.
 *
 * @param {() => void} what
 */
async function inFlight(what) {
  await nextTurn();
  what();
  arm('');
}

/** @param {() => Promise<unknown>} call */
async function twentyTimes(call) {
  for (let i = 0; i < 20; i++) await call().catch(() => undefined);
}

const short = () => new Int32Array(1000);
const long = () => new Int32Array(2_000_000);

/** @type {Record<string, () => Promise<unknown>>} */
const mistakes = {
  'long operands shrink in flight': async () => {
    const [a, b] = [resizable(2_000_000), resizable(2_000_000)];
    arm('kernel@1+=hold');
    const sum = device.add(a, b);
    await inFlight(() => {
      [a, b].forEach(shrink);
    });
    await sum;
  },
  'a long result shrinks in flight': async () => {
    const out = resizable(2_000_000);
    arm('kernel@1+=hold');
    const sum = device.add(long(), long(), { out });
    await inFlight(() => {
      shrink(out);
    });
    await sum;
  },
  'short operands shrink in flight': async () => {
    const [a, b] = [resizable(1000), resizable(1000)];
    arm('kernel@1+=hold');
    const sum = device.add(a, b);
    await inFlight(() => {
      [a, b].forEach(shrink);
    });
    await sum;
  },
  'short results shrink in flight': () =>
    twentyTimes(async () => {
      const out = resizable(1000);
      arm('kernel@1+=hold');
      const sum = device.add(short(), short(), { out });
      await inFlight(() => {
        shrink(out);
      });
      await sum;
    }),
  'long operands shrink right after the call': () =>
    twentyTimes(async () => {
      const b = resizable(2_000_000);
      const sum = device.add(long(), b);
      shrink(b);
      await sum;
    }),
  'a long result shrinks right after the call': () =>
    twentyTimes(async () => {
      const out = resizable(2_000_000);
      const sum = device.add(long(), long(), { out });
      shrink(out);
      await sum;
    }),
  'a long operand is transferred right after the call': () =>
    twentyTimes(async () => {
      const b = long();
      const sum = device.add(long(), b);
      detach(b);
      await sum;
    }),
  'a first operand is transferred right after the call': () =>
    twentyTimes(async () => {
      const a = long();
      const sum = device.add(a, long());
      detach(a);
      await sum;
    }),
  'a short result is transferred right after the call': () =>
    twentyTimes(async () => {
      const out = short();
      const sum = device.add(short(), short(), { out });
      detach(out);
      await sum;
    }),
  'short operands shrink right after the call': () =>
    twentyTimes(async () => {
      const b = resizable(1000);
      const sum = device.add(short(), b);
      shrink(b);
      await sum;
    }),
};

const mistake = mistakes[process.argv[2] ?? ''];
if (mistake === undefined) throw new Error('there is no such mistake');
print({ mistake: 'error' in (await outcomeOf(mistake())) ? 'rejected' : 'resolved' });
const [a, b] = [new Int32Array(20_000).fill(1), new Int32Array(20_000).fill(2)];
print([
  await outcomeOf(device.addScalar(1, 2)),
  await outcomeOf(device.add(a.subarray(0, 100), b.subarray(0, 100)).then((sum) => sum[99])),
  await outcomeOf(device.add(a, b).then((sum) => sum[19_999])),
]);
await device.close();
