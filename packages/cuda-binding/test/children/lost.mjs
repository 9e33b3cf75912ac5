// Calls after a failure that is not the failure of an addition. Arguments: the call that fails, the fault.
import { setTimeout as sleep } from 'node:timers/promises';
import { openDevice } from '@vgpu/cuda-binding';

import { arm, outcomeOf, print } from './child.mjs';

const device = await openDevice({ backend: 'cuda' });
const [what = '', fault = ''] = process.argv.slice(2);

/** @type {Record<string, () => Promise<unknown>>} */
const actions = {
  // A thread waits for it while kernels are held.
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
