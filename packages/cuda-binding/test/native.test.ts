import { expect, test } from '@jest/globals';

import { DeviceError, openDevice } from '../src/index.js';

test('this version says that it has no CUDA part and what to use instead', async () => {
  const opening = openDevice({ backend: 'cuda', index: 1 });
  await expect(opening).rejects.toBeInstanceOf(DeviceError);
  await expect(opening).rejects.toMatchObject({
    code: 'BACKEND_UNAVAILABLE',
    message:
      "expected to open CUDA device 1, but this version of @vgpu/cuda-binding has no CUDA part yet: use the 'cpu' backend",
  });
});

test('so auto falls back to the CPU and says why', async () => {
  const reasons: unknown[] = [];
  const adder = await openDevice({ onFallback: ({ code }) => reasons.push(code) });
  expect(adder.device.backend).toBe('cpu');
  expect(reasons).toEqual(['BACKEND_UNAVAILABLE']);
});
