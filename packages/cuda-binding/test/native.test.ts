import { expect, test } from '@jest/globals';

import { errorOf, promised } from '../src/native.js';

test('a failure of the driver is a CudaError', () => {
  const failure = { operation: 'cuInit', status: 100, name: 'CUDA_ERROR_NO_DEVICE' };
  expect(errorOf({ ...failure, description: 'none' }, 'listing')).toMatchObject({
    name: 'CudaError',
    code: 'CUDA_ERROR_NO_DEVICE',
    operation: 'cuInit',
  });
});

test('a driver that is not there is a DeviceError', () => {
  expect(errorOf({ reason: 'no such file' }, 'listing')).toMatchObject({
    name: 'DeviceError',
    code: 'BACKEND_UNAVAILABLE',
    message: `listing: expected the NVIDIA driver on this machine, but it can't be opened (no such file): install it, or use the 'cpu' backend`,
  });
});

test('a reply becomes a promise', async () => {
  const good = promised<number>('x', (reply) => {
    reply(null, 3);
  });
  await expect(good).resolves.toBe(3);
  const bad = promised<number>('x', (reply) => {
    reply({ reason: 'y' }, 0);
  });
  await expect(bad).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
});
