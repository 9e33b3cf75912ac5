// Ends, or is killed, while a device has a process of its own, whose id is printed. Arguments: the state,
// the kind of end, and `worker` for another thread or the name of a signal.
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { openDevice } from '@vgpu/cuda-binding';

import { arm, deviceProcess, outcomeOf, print } from './child.mjs';

const [state = '', ending = '', third = ''] = process.argv.slice(2);

/** @typedef {import('@vgpu/cuda-binding').VectorAdder} VectorAdder */

/** @type {Record<string, (device: VectorAdder) => unknown>} */
const states = {
  idle: (device) => device.addScalar(1, 2),
  // Responses come while this ends.
  busy: (device) => {
    const short = new Int32Array(100);
    const first = device.addScalar(1, 2);
    for (let i = 0; i < 2000; i++) begin(device.add(short, short));
    return first;
  },
  long: (device) => {
    const long = new Int32Array(3_000_000);
    begin(device.add(long, long), device.add(long, long));
  },
  hanging: (device) => {
    arm('kernel@1+=hang');
    begin(device.addScalar(1, 2));
  },
  closing: (device) => {
    begin(device.addScalar(1, 2), device.close());
  },
  'closing while it hangs': (device) => {
    arm('kernel@1+=hang');
    begin(device.addScalar(1, 2), device.close());
  },
};

/** @param {Promise<unknown>[]} promises */
function begin(...promises) {
  for (const promise of promises) {
    promise.catch((/** @type {unknown} */ error) => {
      print(String(error));
    });
  }
}

/** @type {Record<string, (device?: VectorAdder) => unknown>} */
const endings = {
  returns: () => undefined,
  exits: () => process.exit(0),
  throws: () => {
    setImmediate(() => {
      throw new Error('on purpose');
    });
  },
  // By another process.
  'is ended': () => setInterval(() => undefined, 1000),
  // As a terminal does, to all its processes.
  'is interrupted': async (device) => {
    const told = new Promise((resolve) => process.once(third, resolve));
    arm('kernel@1+=hold');
    const sum = outcomeOf(device?.addScalar(1, 2) ?? Promise.reject(new Error('no device')));
    await sleep(10);
    print('may be interrupted');
    await told;
    arm('');
    print(await sum);
    await device?.close();
  },
};

if (isMainThread && third === 'worker') {
  const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
  worker.on('error', ({ message }) => {
    print(message);
  });
  if (ending === 'is ended') worker.on('message', () => void worker.terminate());
} else if (state === 'starting' || state === 'opening') {
  process.env['VGPU_STUB_FAULTS'] = 'cuInit@1=hang';
  begin(openDevice({ backend: 'cuda', isolated: true }));
  while (!(deviceProcess() > 0)) await sleep(1);
  // So that the process has started.
  if (state === 'opening') await sleep(200);
  print({ pid: deviceProcess() });
  endings[ending]?.();
} else {
  const device = await openDevice({ backend: 'cuda', isolated: true });
  const pid = deviceProcess();
  await states[state]?.(device);
  if (state !== 'busy') await sleep(5);
  print({ pid });
  parentPort?.postMessage('reached');
  await endings[ending]?.(device);
}
