// Tries a CUDA device with each case of the conformance suite. Argument: isolated, or none.
import { openDevice } from '@vgpu/cuda-binding';
import { conformance } from '@vgpu/cuda-binding/conformance';

import { print } from './child.mjs';

const cases = conformance(() =>
  openDevice({ backend: 'cuda', isolated: process.argv[2] === 'isolated' }),
);
for (const { name, run } of cases) {
  print({ name, outcome: await run().then(() => 'passed', String) });
}
