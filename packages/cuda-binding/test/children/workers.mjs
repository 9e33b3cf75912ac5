// Two workers and the main thread use the same device at the same time.
import { isMainThread, threadId, Worker } from 'node:worker_threads';
import { openDevice } from '@vgpu/cuda-binding';

import { isSumOf, print, someInts } from './child.mjs';

if (isMainThread) for (let i = 0; i < 2; i++) new Worker(new URL(import.meta.url));

const device = await openDevice({ backend: 'cuda' });
const pinned = await device.allocate(1000);
let right = 0;
for (let round = 0; round < 50; round++) {
  const seed = 1000 * threadId + round;
  const [a, b] = [someInts(50_000, seed), someInts(50_000, seed + 1)];
  pinned.set(a.subarray(0, 1000));
  const [scalar, short, inPlace, long] = await Promise.all([
    device.addScalar(seed, 1),
    device.add(a.subarray(0, 100), b.subarray(0, 100)),
    device.add(pinned, b.subarray(0, 1000), { out: pinned }),
    device.add(a, b),
  ]);
  if (scalar === seed + 1) right += 1;
  if (isSumOf(short, a.subarray(0, 100), b)) right += 1;
  if (isSumOf(inPlace, a.subarray(0, 1000), b)) right += 1;
  if (isSumOf(long, a, b)) right += 1;
}
await device.close();
print({ right });
