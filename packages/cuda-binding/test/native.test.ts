import { beforeEach, expect, jest, test } from '@jest/globals';

// Loading the addon is replaced, since whether there is one is a matter of the machine.
const bindings = jest.fn<(options: { readonly module_root: string }) => unknown>();
jest.mock('bindings', () => bindings);
const { errorOf, loadAddon, promised } = await import('../src/native.js');
const { listDevices } = await import('../src/index.js');

beforeEach(() => {
  bindings.mockReset();
});

const missing = new Error('Could not locate the bindings file. Tried:\n → /a/b\n → /c/d');

test('without an addon there is no CUDA, and the error says what to do', async () => {
  bindings.mockImplementation(() => {
    throw missing;
  });
  await expect(listDevices()).rejects.toMatchObject({
    name: 'DeviceError',
    code: 'BACKEND_UNAVAILABLE',
    message: `expected a native part for ${process.platform} on ${process.arch}, but none can be loaded (Could not locate the bindings file.): build it with \`npm rebuild --foreground-scripts @vgpu/cuda-binding\`, which needs Python, make and a C++17 compiler, or use the 'cpu' backend`,
    cause: missing,
  });
});

test('the addon is looked for in this package, and loaded once', () => {
  const addon = {};
  bindings.mockReturnValue(addon);
  expect(loadAddon()).toBe(addon);
  expect(loadAddon()).toBe(addon);
  expect(bindings).toHaveBeenCalledTimes(1);
  const [options] = bindings.mock.calls[0] ?? [];
  expect(options).toMatchObject({
    bindings: 'vgpu_cuda',
    module_root: expect.stringMatching(/\/cuda-binding\/$/) as unknown,
    try: [
      ['module_root', 'build', 'Release', 'bindings'],
      ['module_root', 'prebuilds', `${process.platform}-${process.arch}`, 'bindings'],
    ],
  });
});

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
