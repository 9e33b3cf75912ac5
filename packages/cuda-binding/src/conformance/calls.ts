import assert from 'node:assert/strict';

import { assertClosed, assertRejects, MAX, MIN, submitMany, type Check } from './support.js';

/** The order in which calls settle, invalid calls, and `close()`. */
export const calls: Readonly<Record<string, Check>> = {
  'says what it runs on, also after close()': async (adder) => {
    const device = { ...adder.device };
    assert.ok(['cuda', 'cpu'].includes(device.backend), `backend is ${device.backend}`);
    assert.ok(Number.isInteger(device.index) && device.index >= 0, `index is ${device.index}`);
    assert.notEqual(device.name, '', 'name');
    await adder.close();
    assert.deepEqual({ ...adder.device }, device);
  },

  'settles many calls in flight in order of submission': async (adder) => {
    await submitMany(adder, 100).allSettledInOrder();
  },

  'rejects vectors of different lengths': async (adder) => {
    const around = submitMany(adder, 3);
    for (const [a, b] of [
      [2, 3],
      [3, 2],
      [0, 1],
      [1, 0],
    ] as const) {
      const call = () => adder.add(new Int32Array(a), new Int32Array(b));
      await assertRejects(call, 'LENGTH_MISMATCH');
    }
    await around.allSettledInOrder();
  },

  'rejects scalars that are not int32 integers': async (adder) => {
    const around = submitMany(adder, 3);
    for (const wrong of [MAX + 1, MIN - 1, 2 ** 32, 0.5, -0.5, NaN, Infinity, -Infinity]) {
      await assertRejects(() => adder.addScalar(wrong, 1), 'OUT_OF_RANGE');
      await assertRejects(() => adder.addScalar(1, wrong), 'OUT_OF_RANGE');
    }
    await around.allSettledInOrder();
  },

  'rejects operands of other types without throwing': async (adder) => {
    for (const wrong of [undefined, null, '1', 1n, Symbol('1'), [1], new Float32Array(1)]) {
      const scalar = wrong as unknown as number;
      await assertRejects(() => adder.addScalar(scalar, 1), 'OUT_OF_RANGE');
      await assertRejects(() => adder.addScalar(1, scalar), 'OUT_OF_RANGE');
      const vector = wrong as unknown as Int32Array;
      await assertRejects(() => adder.add(vector, new Int32Array(1)), 'OUT_OF_RANGE');
      await assertRejects(() => adder.add(new Int32Array(1), vector), 'OUT_OF_RANGE');
    }
  },

  'serves calls after a rejected one': async (adder) => {
    const before = submitMany(adder, 3);
    const one = assertRejects(() => adder.add(new Int32Array(1), new Int32Array(2)));
    const other = assertRejects(() => adder.addScalar(NaN, 0));
    const after = submitMany(adder, 3);
    await Promise.all([one, other, before.allSettledInOrder(), after.allSettledInOrder()]);
  },

  'waits in close() for the calls in flight': async (adder) => {
    const calls = submitMany(adder, 20);
    await adder.close();
    assert.equal(calls.settled(), 20, 'calls that had settled when close() did');
    await calls.allSettledInOrder();
  },

  'rejects calls that come while close() waits': async (adder) => {
    const calls = submitMany(adder, 3);
    const closing = adder.close();
    await assertClosed(adder);
    await closing;
    await calls.allSettledInOrder();
  },

  'rejects calls that come after close()': async (adder) => {
    await adder.close();
    await assertClosed(adder);
  },

  'can be closed again and again': async (adder) => {
    const calls = submitMany(adder, 3);
    const outcomes = await Promise.allSettled([adder.close(), adder.close()]);
    outcomes.push(...(await Promise.allSettled([adder.close()])));
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'fulfilled'],
    );
    await calls.allSettledInOrder();
  },
};
