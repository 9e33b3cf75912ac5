import { afterEach, describe, expect, jest, test } from '@jest/globals';

import type { DeviceError as DeviceErrorType, VectorAdder } from '../src/index.js';

// A fake takes the place of the CUDA device, to test machines with CUDA and without.
const openCudaDevice = jest.fn<(index: number) => Promise<VectorAdder>>();
jest.unstable_mockModule('../src/cuda-vector-adder.js', () => ({
  CudaVectorAdder: { open: openCudaDevice },
}));
const { CpuVectorAdder, DeviceError, openDevice } = await import('../src/index.js');

afterEach(() => {
  openCudaDevice.mockReset();
});

describe('where CUDA works', () => {
  test.each(['auto', 'cuda'] as const)('%s takes it', async (backend) => {
    const fakeCudaAdder: VectorAdder = Object.assign(new CpuVectorAdder(), {
      device: { backend: 'cuda' as const, index: 1, name: 'fake GPU' },
    });
    openCudaDevice.mockResolvedValue(fakeCudaAdder);
    const onFallback = jest.fn();

    expect(await openDevice({ backend, index: 1, onFallback })).toBe(fakeCudaAdder);
    expect(openCudaDevice).toHaveBeenCalledWith(1);
    expect(onFallback).not.toHaveBeenCalled();
  });
});

describe('where CUDA does not work', () => {
  const reason = new DeviceError('BACKEND_UNAVAILABLE', 'no driver');

  test('cuda rejects with the reason and never falls back', async () => {
    openCudaDevice.mockRejectedValue(reason);
    const onFallback = jest.fn();
    await expect(openDevice({ backend: 'cuda', onFallback })).rejects.toBe(reason);
    expect(onFallback).not.toHaveBeenCalled();
  });

  test('auto gives the CPU and the reason', async () => {
    openCudaDevice.mockRejectedValue(reason);
    const onFallback = jest.fn<(reason: DeviceErrorType) => void>();
    const adder = await openDevice({ index: 2, onFallback });
    expect(adder.device).toEqual({ backend: 'cpu', index: 2, name: 'CPU' });
    expect(onFallback.mock.calls).toEqual([[reason]]);
  });

  test('auto rejects where CUDA works, but not with this index', async () => {
    const wrongIndex = new DeviceError('NO_SUCH_DEVICE', 'only device 0');
    openCudaDevice.mockRejectedValue(wrongIndex);
    const onFallback = jest.fn();
    await expect(openDevice({ index: 1, onFallback })).rejects.toBe(wrongIndex);
    expect(onFallback).not.toHaveBeenCalled();
  });

  test('auto needs no onFallback', async () => {
    openCudaDevice.mockRejectedValue(reason);
    expect(await openDevice()).toBeInstanceOf(CpuVectorAdder);
  });

  test('auto rejects with what onFallback throws', async () => {
    openCudaDevice.mockRejectedValue(reason);
    const onFallback = () => {
      throw new Error('no fallback wanted');
    };
    await expect(openDevice({ onFallback })).rejects.toThrow('no fallback wanted');
  });

  test('auto does not hide a defect behind a fallback', async () => {
    const defect = new TypeError('x is not a function');
    openCudaDevice.mockRejectedValue(defect);
    await expect(openDevice()).rejects.toBe(defect);
  });
});

describe('cpu', () => {
  test('never looks for CUDA', async () => {
    const adder = await openDevice({ backend: 'cpu', index: 9 });
    expect(adder.device).toEqual({ backend: 'cpu', index: 9, name: 'CPU' });
    expect(await adder.addScalar(100, 200)).toBe(300);
    expect(openCudaDevice).not.toHaveBeenCalled();
  });

  test('is as slow as cpuDelayMs says', async () => {
    const adder = await openDevice({ backend: 'cpu', cpuDelayMs: 10 });
    const start = performance.now();
    await adder.addScalar(1, 2);
    expect(performance.now() - start).toBeGreaterThanOrEqual(10);
  });
});

describe('an impossible option is refused before any backend is tried', () => {
  test.each([
    { backend: 'gpu' as 'cuda' },
    { backend: '' as 'cuda' },
    { index: -1 },
    { index: 1.5 },
    { index: '0' as unknown as number },
    { cpuDelayMs: -1 },
    { cpuDelayMs: NaN },
    { backend: 'cuda' as const, cpuDelayMs: Infinity },
  ])('%p', async (options) => {
    const opening = openDevice(options);
    await expect(opening).rejects.toMatchObject({ name: 'DeviceError', code: 'INVALID_OPTION' });
    expect(openCudaDevice).not.toHaveBeenCalled();
  });
});
