// Ends a thread in the middle of something. Arguments: of what, how, and on which thread.
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { listDevices, openDevice } from '@vgpu/cuda-binding';

import { arm, print } from './child.mjs';

const [state = '', ending = '', thread = ''] = process.argv.slice(2);

/** @type {Record<string, () => void | Promise<void>>} */
const states = {
  loaded: async () => {
    await listDevices();
  },
  idle: async () => {
    await (await open()).addScalar(1, 2);
  },
  closed: async () => {
    const device = await open();
    await device.addScalar(1, 2);
    await device.close();
  },
  scalar: async () => {
    const device = await open();
    beginSomething(device.addScalar(1, 2));
  },
  pinned: async () => {
    const device = await open();
    const [a, b] = [await device.allocate(1_000_000), await device.allocate(1_000_000)];
    beginSomething(device.add(a, b, { out: b }));
  },
  short: async () => {
    const device = await open();
    beginSomething(device.add(new Int32Array(1000), new Int32Array(1000)));
  },
  long: async () => {
    const device = await open();
    for (let i = 0; i < 3; i++) {
      beginSomething(device.add(new Int32Array(3_000_000), new Int32Array(3_000_000)));
    }
  },
  closing: async () => {
    const device = await open();
    beginSomething(device.addScalar(1, 2));
    beginSomething(device.close());
  },
  opening: () => {
    beginSomething(openDevice({ backend: 'cuda' }));
  },
  allocating: async () => {
    const device = await open();
    beginSomething(device.allocate(1_000_000));
  },
  // This runs within the delivery of a reply. More replies come meanwhile, and are delivered right after
  // it, when a worker that has ended must not run JavaScript any more.
  replying: async () => {
    const device = await open();
    beginSomething(device.allocate(1_000_000));
    beginSomething(device.add(new Int32Array(20_000), new Int32Array(20_000)));
    beginSomething(openDevice({ backend: 'cuda', index: 1 }));
    await launched();
    const never = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(never, 0, 0, 200);
    if (ending !== 'is terminated') return;
    print('reached');
    parentPort?.postMessage('reached');
    // To be terminated before the event loop goes on.
    Atomics.wait(never, 0, 0, 10_000);
  },
};

/** Calls are launched in a microtask. */
async function launched() {
  for (let i = 0; i < 2; i++) await Promise.resolve();
}

async function open() {
  const device = await openDevice({ backend: 'cuda' });
  if (ending === 'hangs') arm('kernel@1+=hang');
  return device;
}

/** @param {Promise<unknown>} promise */
function beginSomething(promise) {
  promise.catch((/** @type {unknown} */ error) => {
    print(String(error));
  });
}

/** @type {Record<string, () => void>} */
const endings = {
  returns: () => undefined,
  exits: () => process.exit(0),
  hangs: () => process.exit(0),
  throws: () => {
    setImmediate(() => {
      throw new Error('on purpose');
    });
  },
  // The main thread does it.
  'is terminated': () => setInterval(() => undefined, 1000),
};

if (isMainThread && thread === 'worker') {
  const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
  worker.on('error', ({ message }) => {
    print(message);
  });
  worker.on('exit', () => {
    print('worker ended');
  });
  if (ending === 'is terminated' || ending === 'hangs') {
    worker.on('message', () => void worker.terminate());
  }
} else {
  await states[state]?.();
  await launched();
  print('reached');
  parentPort?.postMessage('reached');
  if (ending !== 'hangs' || isMainThread) endings[ending]?.();
}
