// Adds with every kind of memory. Arguments: length, and where the operands and the sum are, as in
// `places`; after `isolated`, if that comes first, with a device in a process of its own.
import { openDevice } from '@vgpu/cuda-binding';

import { isSumOf, outcomeOf, print, someInts } from './child.mjs';

/** Fills the memory around a view, which must not change. */
const GUARD = 0x5a5a5a5a;

const rows = process.argv.slice(2);
const isolated = rows[0] === 'isolated';
if (isolated) rows.shift();
const device = await openDevice({ backend: 'cuda', isolated });

/** @type {Record<string, (length: number) => Int32Array | undefined | Promise<Int32Array>>} */
const places = {
  pinned: async (length) => viewOf(await device.allocate(length + 8), 0, length),
  'pinned view': async (length) => viewOf(await device.allocate(length + 8), 3, length),
  ordinary: (length) => viewOf(new Int32Array(length + 8), 0, length),
  'ordinary view': (length) => viewOf(new Int32Array(length + 8), 5, length),
  shared: (length) => viewOf(new Int32Array(new SharedArrayBuffer(4 * (length + 8))), 2, length),
  'a new array': () => undefined,
};

/**
 * @param {Int32Array} whole
 * @param {number} begin
 * @param {number} length
 */
function viewOf(whole, begin, length) {
  return whole.fill(GUARD).subarray(begin, begin + length);
}

/** @param {Int32Array} view */
function isGuarded(view) {
  const first = view.byteOffset / 4;
  const around = new Int32Array(view.buffer);
  const isUntouched = (/** @type {number} */ value) => value === GUARD;
  return (
    around.subarray(0, first).every(isUntouched) &&
    around.subarray(first + view.length).every(isUntouched)
  );
}

for (const row of rows) {
  const [length = '', placeA = '', placeB = '', placeOut = ''] = row.split(', ');
  const a = await places[placeA]?.(Number(length));
  const b = placeB === 'a' ? a : await places[placeB]?.(Number(length));
  const out =
    placeOut === 'a' ? a : placeOut === 'b' ? b : await places[placeOut]?.(Number(length));
  if (a === undefined || b === undefined) throw new Error(`cannot read ${row}`);
  a.set(someInts(a.length, 1));
  b.set(someInts(b.length, 2));
  const [oldA, oldB] = [a.slice(), b.slice()];
  /** @type {unknown[]} */
  const times = [];
  const onDeviceTime = (/** @type {number} */ ms) => times.push(typeof ms);
  const adding = device.add(a, b, { ...(out && { out }), onDeviceTime });
  const { error } = await outcomeOf(adding);
  if (error !== undefined) {
    print({ row, error });
    continue;
  }
  const sum = await adding;
  print({
    row,
    isOut: out === undefined ? sum !== a && sum !== b : sum === out,
    isRight: isSumOf(sum, oldA, oldB),
    areOperandsKept: (a === out || isEqual(a, oldA)) && (b === out || isEqual(b, oldB)),
    isGuarded: isGuarded(a) && isGuarded(b) && (out === undefined || isGuarded(out)),
    times,
  });
}
await device.close();

/**
 * @param {Int32Array} x
 * @param {Int32Array} y
 */
function isEqual(x, y) {
  return x.length === y.length && x.every((value, i) => value === y[i]);
}
