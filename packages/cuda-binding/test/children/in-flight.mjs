// More calls at once than the ring has tickets, and uses of onDeviceTime. Arguments: which of them, and
// isolated, or none.
import { openDevice } from '@vgpu/cuda-binding';

import { arm, isSumOf, outcomeOf, print, someInts } from './child.mjs';

const device = await openDevice({ backend: 'cuda', isolated: process.argv[3] === 'isolated' });
const pinned = (await device.allocate(100)).fill(1);

/** @type {Record<string, () => Promise<unknown>>} */
const actions = {
  // By turns; the vectors are short, pinned, long and empty ones.
  many: async () => {
    const out = await device.allocate(100 * 300);
    /** @type {number[]} */
    const order = [];
    /** @type {boolean[]} */
    const right = [];
    const settled = [];
    for (let i = 0; i < 1300; i++) {
      const isRight = i % 13 < 10 ? addScalar(i) : addVector(i);
      settled.push(
        isRight.then((value) => {
          order.push(i);
          right.push(value);
        }),
      );
    }
    await Promise.all(settled);
    return {
      isInOrder: order.every((value, i) => value === i),
      right: right.filter(Boolean).length,
    };

    /** @param {number} i */
    async function addScalar(i) {
      return (await device.addScalar(i, 2 ** 31 - 1)) === ((i + 2 ** 31 - 1) | 0);
    }

    /** @param {number} i */
    async function addVector(i) {
      if (i % 3 === 0) {
        const sum = await device.add(pinned, pinned, {
          out: out.subarray(20 * i, 20 * i + 100),
        });
        return sum.every((value) => value === 2);
      }
      const length = [100, 20_000, 0][i % 7] ?? 1;
      const [a, b] = [someInts(length, i), someInts(length, i + 1)];
      return isSumOf(await device.add(a, b), a, b);
    }
  },

  'the time': async () => {
    /** @type {unknown[]} */
    const events = [];
    const onDeviceTime = (/** @type {number} */ ms) => events.push(ms);
    const short = new Int32Array(100);
    const out = await device.allocate(100);
    await device.add(short, short, { onDeviceTime }).then(() => events.push('short'));
    await device.add(pinned, pinned, { out, onDeviceTime }).then(() => events.push('pinned'));
    await device
      .add(new Int32Array(20_000), new Int32Array(20_000), { onDeviceTime })
      .then(() => events.push('long'));
    const none = new Int32Array(0);
    await device.add(none, none, { onDeviceTime }).then(() => events.push('empty'));
    return events;
  },

  'the time of what fails': async () => {
    /** @type {unknown[]} */
    const events = [];
    arm('cuLaunchKernel@1=701');
    const onDeviceTime = (/** @type {number} */ ms) => events.push(ms);
    await device.add(pinned, pinned, { onDeviceTime }).catch(() => events.push('rejected'));
    return events;
  },

  'it throws': async () => {
    const short = new Int32Array(100).fill(1);
    const onDeviceTime = () => {
      throw new Error('on purpose');
    };
    // As often as there are places in the scratch memory, and once more.
    const calls = [];
    for (let i = 0; i < 17; i++) {
      calls.push(outcomeOf(device.add(short, short, { onDeviceTime })));
      calls.push(outcomeOf(device.addScalar(i, i)));
    }
    return (await Promise.all(calls)).map(({ error, value }) => error?.message ?? value);
  },

  'it makes calls': async () => {
    const short = new Int32Array(100).fill(1);
    /** @type {string[]} */
    const order = [];
    /** @type {(name: string) => (value: unknown) => void} */
    const settled = (name) => () => order.push(name);
    /** @type {Promise<unknown>[]} */
    const inner = [];
    const outer = [
      device
        .add(short, short, {
          onDeviceTime: () => {
            inner.push(device.addScalar(1, 2).then(settled('inner')));
            inner.push(device.close().then(settled('closed')));
          },
        })
        .then(settled('outer')),
      device.addScalar(3, 4).then(settled('next')),
    ];
    await Promise.all(outer);
    await Promise.all(inner);
    return order;
  },
};

print(await actions[process.argv[2] ?? '']?.());
await device.close();
