// For each [kind, fault]: makes three calls of a kind on a device of their own during the fault, and then
// tries which calls still work.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openDevice } from '@vgpu/cuda-binding';

import { arm, outcomeOf, print, reopened } from './child.mjs';

/** @typedef {import('@vgpu/cuda-binding').VectorAdder} VectorAdder */

/** @type {Record<string, (device: VectorAdder) => (() => Promise<unknown>) | Promise<() => Promise<unknown>>>} */
const calls = {
  scalar: (device) => () => device.addScalar(1, 2),
  pinned: async (device) => {
    const a = (await device.allocate(100)).fill(1);
    const b = (await device.allocate(100)).fill(2);
    const outs = [
      await device.allocate(100),
      await device.allocate(100),
      await device.allocate(100),
    ];
    return async () => (await device.add(a, b, { out: outs.pop() ?? a })).at(-1);
  },
  // Through the scratch memory.
  short: (device) => {
    const [a, b] = [new Int32Array(100).fill(1), new Int32Array(100).fill(2)];
    return async () => (await device.add(a, b)).at(-1);
  },
  // Through the pipeline.
  long: (device) => {
    const [a, b] = [new Int32Array(20_000).fill(1), new Int32Array(20_000).fill(2)];
    return async () => (await device.add(a, b)).at(-1);
  },
  allocation: (device) => async () => (await device.allocate(100)).fill(3).at(-1),
};

/**
 * The sum of a call, or its error.
 *
 * @param {() => Promise<unknown>} call
 */
const outcomeOfCall = (call) => outcomeOf(call());

const other = await openDevice({ backend: 'cuda' });
for (const [i, row] of process.argv.slice(2).entries()) {
  const [kind = '', fault = ''] = row.split(' ');
  const index = i + 1;
  const device = await openDevice({ backend: 'cuda', index });
  const call = await calls[kind]?.(device);
  if (call === undefined) throw new Error(`there is no ${kind}`);
  arm(fault);
  /** @type {number[]} */
  const order = [];
  const outcomes = [];
  for (let i = 0; i < 3; i++) {
    const outcome = outcomeOf(call());
    void outcome.then(() => order.push(i));
    outcomes.push(outcome);
    // Scalars of one turn would share a launch.
    await nextTurn();
  }
  const settled = await Promise.all(outcomes);
  arm('');
  const later = [];
  for (const kind in calls) {
    const prepared = await outcomeOf(Promise.resolve(device).then(calls[kind]));
    later.push(
      'error' in prepared
        ? prepared
        : await outcomeOfCall(/** @type {() => Promise<unknown>} */ (prepared.value)),
    );
  }
  const otherSum = await other.addScalar(1, 2);
  const closed = await outcomeOf(device.close());
  const again = await reopened(index, fault);
  print({ row, order, outcomes: settled, later, otherSum, closed, ...again });
}
await other.close();
