// Repeats something and measures what it leaves behind. Argument: what. Needs --expose-gc.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDevice } from '@vgpu/cuda-binding';

// Not exported: the addon itself.
import { loadAddon } from '../../dist/native.js';
import { arm, isSumOf, outcomeOf, print, someInts } from './child.mjs';

const collect = /** @type {() => void} */ (global.gc);

function threads() {
  return Number(/^Threads:\s*(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

/** @param {number} count */
async function openAndClose(count) {
  for (let i = 0; i < count; i++) {
    const device = await openDevice({ backend: 'cuda' });
    await device.addScalar(1, 2);
    // At times, so that the pipeline is used, too.
    if (i % 10 === 0) await device.add(new Int32Array(20_000), new Int32Array(20_000));
    await device.close();
  }
  collect();
  // The last actions of the addon may still run.
  await sleep(100);
  return { rss: process.memoryUsage.rss(), threads: threads() };
}

/** @type {Record<string, () => Promise<void>>} */
const actions = {
  'opened devices': async () => {
    await openAndClose(1);
    print({ early: await openAndClose(2000), late: await openAndClose(8000) });
  },

  'devices that can not be opened': async () => {
    const addon = loadAddon();
    const fail = () => {
      const reply = () => {
        print('failed');
      };
      // No image: refused by cuModuleLoadData.
      addon.open(0, new Uint8Array(64), reply);
      return new WeakRef(reply);
    };
    const reference = fail();
    for (let i = 0; i < 5; i++) {
      await sleep(10);
      collect();
    }
    print({ isCollected: reference.deref() === undefined });
  },

  'allocated arrays': async () => {
    const device = await openDevice({ backend: 'cuda' });
    for (let i = 0; i < 2000; i++) {
      await device.allocate(1000);
      if (i % 50 !== 49) continue;
      collect();
      // Finalizers run in a later turn, and their tasks for the thread of the device come before this.
      await sleep(1);
      await device.allocate(1);
    }
    await device.close();
  },

  'arrays in use': async () => {
    const device = await openDevice({ backend: 'cuda' });
    const a = (await device.allocate(100_000)).fill(1);
    arm('kernel@1+=hold');
    // These have no other reference.
    const sum = device.add((await device.allocate(100_000)).fill(2), a, {
      out: await device.allocate(100_000),
    });
    for (let i = 0; i < 5; i++) {
      await sleep(5);
      collect();
    }
    arm('');
    print({ isRight: (await sum).every((value) => value === 3) });
    await device.close();
  },

  'arrays after close()': async () => {
    const device = await openDevice({ backend: 'cuda' });
    const [a, b] = [await device.allocate(1000), await device.allocate(600_000)];
    a.set(someInts(1000, 1));
    const sum = await device.add(a, b.subarray(0, 1000), { out: b.subarray(0, 1000) });
    await device.close();
    collect();
    const isReadable = isSumOf(sum, a, new Int32Array(1000));
    b.fill(7);
    const another = await openDevice({ backend: 'cuda' });
    // Ordinary memory by now, for any device.
    const later = await another.add(b, b, { out: b });
    await another.close();
    print({ isReadable, isWritable: later === b && later.every((value) => value === 14) });
    print(await outcomeOf(device.allocate(1)));
  },
};

await actions[process.argv[2] ?? '']?.();
