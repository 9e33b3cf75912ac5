// A kernel that never ends, while the event loop goes on. Argument: the kind of call.
import { setTimeout as sleep } from 'node:timers/promises';
import { openDevice } from '@vgpu/cuda-binding';

import { arm, outcomeOf, print } from './child.mjs';

const device = await openDevice({ backend: 'cuda' });
const pinned = await device.allocate(100);
/** @type {Record<string, () => Promise<unknown>>} */
const calls = {
  scalar: () => device.addScalar(1, 2),
  pinned: () => device.add(pinned, pinned, { out: pinned }),
  short: () => device.add(new Int32Array(100), new Int32Array(100)),
  long: () => device.add(new Int32Array(20_000), new Int32Array(20_000)),
};

arm('kernel@1+=hang');
for (const name of [process.argv[2] ?? '', 'scalar']) {
  calls[name]?.().then(
    () => {
      print(`${name} resolved`);
    },
    () => {
      print(`${name} rejected`);
    },
  );
}
device.close().then(
  () => {
    print('closed');
  },
  () => {
    print('not closed');
  },
);
for (let i = 1; i <= 20; i++) {
  await sleep(5);
  print(`timer ${i}`);
}
print((await outcomeOf(device.addScalar(1, 2))).error?.code);
process.exit(0);
