// For each fault: opens a device meanwhile, then reopens it; another device goes on.
import { openDevice } from '@vgpu/cuda-binding';

import { arm, outcomeOf, print, reopened } from './child.mjs';

const other = await openDevice({ backend: 'cuda', index: 1 });
for (const fault of process.argv.slice(2)) {
  arm(fault);
  const opening = openDevice({ backend: 'cuda' });
  const { error } = await outcomeOf(opening);
  if (error === undefined) await (await opening).close();
  arm('');
  print({ fault, error, otherSum: await other.addScalar(1, 2), ...(await reopened(0, fault)) });
}
await other.close();
