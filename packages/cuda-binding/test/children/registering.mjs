// Calls that are made while memory is being registered, which takes long. Argument: the kind of call.
import { setTimeout as sleep } from 'node:timers/promises';
import { openDevice } from '@vgpu/cuda-binding';

import { callsOn, print } from './child.mjs';

const device = await openDevice({ backend: 'cuda' });
const pinned = await device.allocate(100);
const calls = callsOn(device, pinned);

let isAllocated = false;
const allocation = device.allocate(1000).then(() => (isAllocated = true));
// By then the registration has begun.
await sleep(50);
let turns = 0;
const count = () => {
  turns += 1;
  if (!isAllocated) setImmediate(count);
};
setImmediate(count);
const call = calls[process.argv[2] ?? '']?.();
await allocation;
print({ turns });
await call;
print(await device.addScalar(20, 30));
await device.close();
