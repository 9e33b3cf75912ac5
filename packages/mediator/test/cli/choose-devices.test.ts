import { describe, expect, test } from '@jest/globals';
import { DeviceError, type CudaDeviceInfo } from '@vgpu/cuda-binding';
import { chooseDevices } from '../../src/cli/devices.js';
import { exitCodeOf } from '../../src/cli/failure.js';
import { ExitCode } from '@vgpu/protocol';
import { LOST } from '../support/fakes.js';

const gpu = (index: number): CudaDeviceInfo => ({
  backend: 'cuda',
  index,
  name: 'FakeGPU',
  uuid: `GPU-${index}`,
  memoryBytes: 1,
  computeCapability: '9.0',
  pciBusId: `0000:0${index}:00.0`,
});

const choose = (
  backend: 'auto' | 'cuda' | 'cpu',
  devices: 'all' | readonly number[],
  listDevices: () => Promise<readonly CudaDeviceInfo[]>,
) => chooseDevices({ backend, devices: devices === 'all' ? 'all' : [...devices] }, listDevices);

const TWO = () => Promise.resolve([gpu(0), gpu(1)]);
const NONE = new DeviceError('BACKEND_UNAVAILABLE', 'no driver');

describe('backend cpu', () => {
  const listDevices = () => Promise.reject(new Error('must not be asked'));

  test.each([
    { devices: 'all' as const, expected: [0] },
    { devices: [0, 1, 5], expected: [0, 1, 5] },
  ])('with $devices gives $expected and never looks for CUDA', async ({ devices, expected }) => {
    expect(await choose('cpu', devices, listDevices)).toEqual({
      backend: 'cpu',
      numbers: expected,
    });
  });
});

describe.each(['auto', 'cuda'] as const)('backend %s', (backend) => {
  test.each([
    { devices: 'all' as const, expected: [0, 1] },
    { devices: [1], expected: [1] },
    { devices: [1, 0], expected: [1, 0] },
  ])('with $devices of two gives $expected', async ({ devices, expected }) => {
    expect(await choose(backend, devices, TWO)).toEqual({
      // With several GPUs the CPU is not to take the place of one.
      backend: expected.length > 1 ? 'cuda' : backend,
      numbers: expected,
    });
  });

  test('refuses numbers that do not exist, and names those that do', async () => {
    const choosing = choose(backend, [1, 2, 7], TWO);
    const error: unknown = await choosing.catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'NO_SUCH_DEVICE',
      message: '--devices: expected CUDA devices among 0 (FakeGPU), 1 (FakeGPU), got 2, 7',
    });
    expect(exitCodeOf(error)).toBe(ExitCode.UNAVAILABLE);
  });

  test('does not hide a defect', async () => {
    const broken = () => Promise.reject(new TypeError('a defect'));
    await expect(choose(backend, 'all', broken)).rejects.toThrow(TypeError);
  });
});

describe('without a usable CUDA device', () => {
  const reasons = [
    { why: 'no driver', listDevices: () => Promise.reject(NONE) },
    { why: 'an error of the driver', listDevices: () => Promise.reject(LOST) },
    { why: 'an empty list', listDevices: () => Promise.resolve([]) },
  ];

  test.each(reasons)('auto takes the CPU: $why', async ({ listDevices }) => {
    for (const [devices, numbers] of [
      ['all', [0]],
      [
        [0, 1],
        [0, 1],
      ],
    ] as const) {
      expect(await choose('auto', devices, listDevices)).toEqual({
        backend: 'cpu',
        numbers,
        fallback: expect.any(DeviceError),
      });
    }
  });

  test.each(reasons)('cuda is an error: $why', async ({ listDevices }) => {
    for (const devices of ['all' as const, [0]]) {
      const choosing = choose('cuda', devices, listDevices);
      const error: unknown = await choosing.catch((reason: unknown) => reason);
      expect(exitCodeOf(error)).toBe(ExitCode.UNAVAILABLE);
    }
  });
});
