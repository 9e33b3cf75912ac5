import { expect, test } from '@jest/globals';

import { openDevice, type AddOptions, type OpenDeviceOptions } from '../src/index.js';

const NO_FUNCTIONS = [null, 0, 1, '', 'f', {}, [], true, Symbol('s'), 5n];
const refused = { name: 'DeviceError', code: 'INVALID_OPTION' };

test.each([
  null,
  3,
  'cuda',
  ...NO_FUNCTIONS.map((onFallback) => ({ onFallback })),
  ...[null, 0, 1, 'yes', {}].map((isolated) => ({ isolated })),
])('a device is not opened with %p', async (options) => {
  const opening = openDevice(options as OpenDeviceOptions);
  await expect(opening).rejects.toMatchObject(refused);
});

test.each([null, 3, 'out', ...NO_FUNCTIONS.map((onDeviceTime) => ({ onDeviceTime }))])(
  'nothing is added with %p',
  async (options) => {
    const device = await openDevice({ backend: 'cpu' });
    const [a, b] = [Int32Array.of(1), Int32Array.of(2)];
    await expect(device.add(a, b, options as AddOptions)).rejects.toMatchObject(refused);
    await expect(device.add(a, b)).resolves.toEqual(Int32Array.of(3));
    await device.close();
  },
);
