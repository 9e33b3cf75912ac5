import { expect, test } from '@jest/globals';

import { DeviceError } from '../src/index.js';

test('a DeviceError has a name, a code and its cause', () => {
  const cause = new Error('ENOENT');
  const error = new DeviceError('NO_SUCH_DEVICE', 'expected, received, remedy', { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: 'DeviceError', code: 'NO_SUCH_DEVICE', cause });
  expect(String(error)).toBe('DeviceError: expected, received, remedy');
});

test('a DeviceError without a cause has none', () => {
  expect('cause' in new DeviceError('INVALID_OPTION', 'text')).toBe(false);
});
