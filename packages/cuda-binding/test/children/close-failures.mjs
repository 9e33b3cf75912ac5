// For each fault: closes a device, of which every part was used, while that happens.
import { openDevice } from '@vgpu/cuda-binding';

import { arm, outcomeOf, print } from './child.mjs';

for (const fault of process.argv.slice(2)) {
  const device = await openDevice({ backend: 'cuda' });
  await device.allocate(100);
  await device.add(new Int32Array(20_000), new Int32Array(20_000));
  arm(fault);
  const closed = await outcomeOf(device.close());
  arm('');
  const again = await openDevice({ backend: 'cuda' });
  print({ fault, closed, sumAfterwards: await again.addScalar(3, 4) });
  await again.close();
}
