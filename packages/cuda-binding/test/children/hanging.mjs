// A kernel that never ends, while the event loop goes on. Argument: the kind of call.
import { setTimeout as sleep } from 'node:timers/promises';
import { openDevice } from '@vgpu/cuda-binding';

import { arm, callsOn, outcomeOf, print } from './child.mjs';

const device = await openDevice({ backend: 'cuda' });
const pinned = await device.allocate(100);
const calls = callsOn(device, pinned);

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
