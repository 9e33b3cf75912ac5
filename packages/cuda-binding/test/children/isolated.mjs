// A device in a process of its own, and an event. Argument: which event.
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, Worker } from 'node:worker_threads';
import { CudaError, DeviceError, openDevice } from '@vgpu/cuda-binding';

import { arm, deviceProcess, isSumOf, outcomeOf, print, someInts, stateOf } from './child.mjs';

const open = (index = 0) => openDevice({ backend: 'cuda', isolated: true, index });

/** Kills a process and blocks until it has ended, before this process has noticed. */
function kill(/** @type {number} */ pid) {
  process.kill(pid, 'SIGKILL');
  while (stateOf(pid) !== 'Z');
}

/** @param {Promise<unknown>} promise */
async function lossOf(promise) {
  const { value, error } = await outcomeOf(promise);
  return error === undefined ? value : `${error.code} ${error.isDeviceLost}`;
}

/** @type {Record<string, () => Promise<void>>} */
const actions = {
  'a fault': async () => {
    const [first, second, other] = [
      await openDevice({ backend: 'cuda' }),
      await openDevice({ backend: 'cuda' }),
      await openDevice({ backend: 'cuda', index: 1 }),
    ];
    arm('kernel@1=fault:700');
    print(await outcomeOf(first.addScalar(1, 2)));
    arm('');
    // Other devices of this process on that GPU are broken, too, and it can't open another.
    print(await outcomeOf(second.addScalar(1, 2)));
    await first.close();
    await second.close();
    print(await outcomeOf(openDevice({ backend: 'cuda' })));
    for (const fault of ['kernel@1=fault:719', 'kernel@1=fault:700', '']) {
      const device = await open();
      print(await outcomeOf(device.addScalar(3, 4)));
      arm(fault);
      print(await outcomeOf(device.addScalar(1, 2)));
      print(await outcomeOf(device.addScalar(1, 2)));
      arm('');
      await device.close();
    }
    print(await outcomeOf(other.addScalar(5, 6)));
    await other.close();
  },

  'the same errors': async () => {
    const vector = new Int32Array(100);
    for (const fault of ['cuLaunchKernel@1=701', 'kernel@1=silent', 'kernel@1=fault:719']) {
      const errors = [];
      for (const isolated of [true, false]) {
        const device = await openDevice({ backend: 'cuda', isolated });
        arm(fault);
        const failed = device.add(vector, vector);
        const { error } = await outcomeOf(failed);
        const reason = await failed.catch((/** @type {unknown} */ reason) => reason);
        const isInstance = [CudaError, DeviceError, Error].map((type) => reason instanceof type);
        const later = await outcomeOf(device.addScalar(1, 2));
        arm('');
        await device.close();
        errors.push({ error, text: String(reason), isInstance, later });
      }
      print(errors);
    }
  },

  'is killed': async () => {
    const device = await open();
    const long = new Int32Array(2_000_000);
    arm('kernel@1+=hold');
    const calls = [device.addScalar(1, 2), device.add(long, long), device.addScalar(3, 4)];
    // For calls to be on the way in both directions.
    calls.push(...Array.from({ length: 1000 }, (_, i) => device.addScalar(i, i)));
    const losses = calls.map(lossOf);
    process.kill(deviceProcess(), 'SIGKILL');
    const all = await Promise.all(losses);
    print([all.length, ...new Set(all)]);
    const later = [device.addScalar(1, 2), device.add(long, long), device.allocate(1)];
    print(await Promise.all(later.map(lossOf)));
    print((await outcomeOf(device.addScalar(1, 2))).error?.message);
    print(await outcomeOf(device.close()));
    print(await lossOf(device.addScalar(1, 2)));
    arm('');
    const again = await open();
    print(await lossOf(again.addScalar(1, 2)));
    await again.close();
  },

  'is killed and used at once': async () => {
    const device = await open();
    const long = new Int32Array(2_000_000);
    kill(deviceProcess());
    const losses = [
      device.addScalar(1, 2),
      device.add(long, long),
      device.addScalar(3, 4),
      device.addScalar(5, 6),
    ].map(lossOf);
    print(await Promise.all(losses));
    print(await outcomeOf(device.close()));
  },

  'is killed and closed at once': async () => {
    const [device, other] = [await open(), await openDevice({ backend: 'cuda', index: 1 })];
    kill(deviceProcess());
    const loss = lossOf(device.addScalar(1, 2));
    const closings = [device.close(), device.close()].map(outcomeOf);
    print([await loss, await lossOf(device.addScalar(1, 2))]);
    print(await Promise.all(closings));
    // A turn of the event loop later, an unhandled rejection would have ended this process.
    print(await other.addScalar(3, 4));
    await other.close();
  },

  'is killed while it opens': async () => {
    process.env['VGPU_STUB_FAULTS'] = 'cuInit@1=hang';
    const opening = open();
    while (!(deviceProcess() > 0)) await sleep(1);
    process.kill(deviceProcess(), 'SIGKILL');
    print(await lossOf(opening));
  },

  'is closed while it hangs': async () => {
    const device = await open();
    const pid = deviceProcess();
    arm('kernel@1+=hang');
    const losses = [device.addScalar(1, 2), device.addScalar(3, 4)].map(lossOf);
    const closed = outcomeOf(device.close());
    print(await Promise.all(losses));
    print(await closed);
    print(stateOf(pid));
  },

  'has memory of its own': async () => {
    const device = await open();
    const [a, b] = [someInts(101, 1), someInts(101, 2)];
    const sums = await Promise.all(Array.from({ length: 20 }, () => device.add(a, b)));
    print({
      areRight: sums.every((sum) => isSumOf(sum, a, b)),
      buffers: new Set(sums.map(({ buffer }) => buffer)).size,
      bytes: [...new Set(sums.map(({ buffer }) => buffer.byteLength))],
    });
    await device.close();
  },

  'has no `out` any more': async () => {
    const device = await open();
    const [a, out] = [new Int32Array(100), new Int32Array(100)];
    arm('kernel@1+=hold');
    const sum = outcomeOf(device.add(a, a, { out }));
    structuredClone(out, { transfer: [out.buffer] });
    arm('');
    print((await sum).error);
    print(await lossOf(device.addScalar(1, 2)));
    await device.close();
  },

  'in a worker': async () => {
    if (isMainThread) {
      const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
      await new Promise((resolve) => worker.once('exit', resolve));
      return;
    }
    const device = await open();
    const [a, b] = [someInts(50_000, 1), someInts(50_000, 2)];
    const [scalar, sum] = await Promise.all([device.addScalar(1, 2), device.add(a, b)]);
    print({ scalar, isRight: isSumOf(sum, a, b) });
    await device.close();
  },
};

await (actions[process.argv[2] ?? ''] ?? Promise.reject)();
