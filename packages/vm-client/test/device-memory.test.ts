import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { constants } from 'node:os';
import * as linux from '../../linux/src/addon.js';
import type { PciDevice } from '../src/pci-device.js';
import { FakePci, filled } from './fake-pci.js';

// The addon is replaced by one whose system calls fail as they rarely do.
type ReadWords = linux.NativeAddon['readWords'];
const readWords = jest.fn<ReadWords>();
const requireAddon = jest.fn(() => ({ readWords }));
jest.unstable_mockModule('../../linux/src/addon.js', () => ({
  ...linux,
  requireAddon,
}));
const { readMemory } = await import('../src/device-memory.js');
const { LinuxError } = await import('@vgpu/linux');

let pci: FakePci;
let device: PciDevice;
const getuid = jest.spyOn(process, 'getuid');

beforeEach(() => {
  pci = new FakePci();
  const directory = pci.addStub('0000:00:05.0', filled(0));
  const resource = `${directory}/resource0`;
  device = { address: '0000:00:05.0', kind: 'stub', directory, resource };
});
afterEach(() => {
  pci.remove();
  getuid.mockReset();
});

const { EACCES, EPERM, EINVAL } = constants.errno;
const RULE = /root.*\/vm-client\/udev\/60-vgpu\.rules, or .*--vm-id/;

test.each<[linux.SystemFailure['operation'], string, number, number, string, RegExp]>([
  ['open', 'EACCES', EACCES, 1000, 'NO_PERMISSION', RULE],
  ['open', 'EPERM', EPERM, 1000, 'NO_PERMISSION', RULE],
  ['mmap', 'EPERM', EPERM, 0, 'NO_PERMISSION', /locked down.*--vm-id/],
  ['mmap', 'EINVAL', EINVAL, 0, 'NO_IDENTITY', /on the host.*--vm-id/],
  ['fstat', 'E999', 999, 0, 'NO_IDENTITY', /on the host/],
])('%s fails with %s', (operation, name, errno, uid, code, remedy) => {
  getuid.mockReturnValue(uid);
  readWords.mockReturnValue({ operation, errno });
  const cause = { code: name, errno: -errno, syscall: operation, path: device.resource };
  expect(() => readMemory(device)).toThrow(
    expect.objectContaining({
      name: 'VgpuError',
      code,
      message: expect.stringMatching(
        new RegExp(`^cannot read the registers: ${name}: .*, ${operation} '.*${remedy.source}`),
      ),
      cause: expect.objectContaining(cause),
    }),
  );
});

test('only the registers that are needed are read', () => {
  readWords.mockReturnValue(new Uint8Array(20));
  expect(readMemory(device)).toEqual(new Uint8Array(20));
  expect(readWords).toHaveBeenLastCalledWith(device.resource, 5);
});

test('without the addon that is needed for it, its message is told', () => {
  requireAddon.mockImplementationOnce(() => {
    throw new LinuxError('ADDON_UNAVAILABLE', 'expected one (tried: none): build it');
  });
  expect(() => readMemory(device)).toThrow(
    expect.objectContaining({
      code: 'NO_IDENTITY',
      message: expect.stringMatching(
        /^cannot read a PCI device: expected one \(tried: none\): build it, or .*--vm-id/,
      ),
    }),
  );
});
