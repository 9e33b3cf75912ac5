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

test('a kernel that does not match is a DeviceError', () => {
  const failure = { kernel: 'some_kernel', difference: 'its number of parameters is 1, not 2' };
  expect(errorOf(failure, 'opening')).toMatchObject({
    name: 'DeviceError',
    code: 'BACKEND_UNAVAILABLE',
    message: `opening: expected the some_kernel of this version of the package, but its number of parameters is 1, not 2: install the package again, or use the 'cpu' backend`,
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
