// What is left of a device after a failure that is not that of an addition. Argument: the fault.
import { setTimeout as sleep } from 'node:timers/promises';
import { openDevice } from '@vgpu/cuda-binding';

import { arm, outcomeOf, print } from './child.mjs';

const device = await openDevice({ backend: 'cuda' });
const [what = '', fault = ''] = process.argv.slice(2);

/** @type {Record<string, () => Promise<unknown>>} */
const actions = {
  // It has a thread wait for it as long as kernels are held.
  'an addition': () => device.addScalar(1, 2),
  'an allocation': () => device.allocate(100),
  'an array is collected': async () => {
    await device.allocate(100);
    for (let i = 0; i < 5; i++) {
      /** @type {() => void} */ (global.gc)();
      await sleep(5);
    }
  },
};

arm(fault);
print(await outcomeOf((actions[what] ?? Promise.reject)()));
arm('');
print(await outcomeOf(device.addScalar(1, 2)));
print(await outcomeOf(device.allocate(2)));
print(await outcomeOf(device.close()));
