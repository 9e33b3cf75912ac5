import { beforeEach, expect, test } from '@jest/globals';
import { CpuVectorAdder, openDevice, type OpenDeviceOptions } from '@vgpu/cuda-binding';
import { deviceOpener } from '../../src/cli/devices.js';
import { FakeLogger, FakeManualAdder, LOST } from '../support/fakes.js';

const OPTIONS = { backend: 'auto', 'cpu-delay': 3 } as const;

let logger: FakeLogger;
let calls: OpenDeviceOptions[];

beforeEach(() => {
  logger = new FakeLogger();
  calls = [];
});

/** Opens a GPU each time. */
const fakeGpu: typeof openDevice = (options) => {
  calls.push(options ?? {});
  const device = { backend: 'cuda', index: options?.index ?? 0, name: 'FakeGPU' } as const;
  return Promise.resolve(Object.assign(new FakeManualAdder(), { device }));
};

/** Falls back to the CPU, as where there is no GPU. */
const fakeFallback: typeof openDevice = (options) => {
  calls.push(options ?? {});
  if (options?.backend === 'auto') options.onFallback?.(LOST);
  return Promise.resolve(new CpuVectorAdder());
};

test('opens the device with its number and the options', async () => {
  const { device } = await deviceOpener(OPTIONS, 2, logger, fakeGpu)();
  expect(device).toMatchObject({ backend: 'cuda', index: 2 });
  expect(calls).toMatchObject([{ backend: 'auto', index: 2, cpuDelayMs: 3 }]);
  expect(logger.entries).toEqual([]);
});

test('reopens a GPU as a GPU, never as the CPU', async () => {
  const open = deviceOpener(OPTIONS, 0, logger, fakeGpu);
  for (let i = 0; i < 3; i += 1) await open();
  expect(calls.map(({ backend }) => backend)).toEqual(['auto', 'cuda', 'cuda']);
});

test.each([
  ['a GPU', fakeGpu],
  // Harmless: it takes no notice.
  ['the CPU', fakeFallback],
])('reopens %s in a process of its own', async (_, fake) => {
  const open = deviceOpener(OPTIONS, 0, logger, fake);
  for (let i = 0; i < 3; i += 1) await open();
  expect(calls.map(({ isolated }) => isolated)).toEqual([false, true, true]);
});

test('says once that it computes on the CPU, why, and what to do', async () => {
  const open = deviceOpener(OPTIONS, 0, logger, fakeFallback);
  for (let i = 0; i < 3; i += 1) await open();
  expect(calls.map(({ backend }) => backend)).toEqual(['auto', 'cpu', 'cpu']);
  expect(logger.entries).toMatchObject([
    {
      level: 'warn',
      message: 'computing on the CPU, because no CUDA device can be used',
      fields: { device: 0, reason: LOST.message, remedy: expect.stringContaining('--backend cpu') },
    },
  ]);
});

test('goes on asking for what it was asked for until a device is open', async () => {
  let attempts = 0;
  const open = deviceOpener(OPTIONS, 0, logger, (options) => {
    attempts += 1;
    calls.push(options ?? {});
    return attempts === 1 ? Promise.reject(LOST) : Promise.resolve(new CpuVectorAdder());
  });
  await expect(open()).rejects.toBe(LOST);
  await open();
  expect(calls).toMatchObject([
    { backend: 'auto', isolated: false },
    { backend: 'auto', isolated: false },
  ]);
});

test('a reopened CPU adds', async () => {
  const open = deviceOpener({ ...OPTIONS, backend: 'cpu' }, 4, logger, openDevice);
  for (let i = 0; i < 2; i += 1) {
    const adder = await open();
    expect(adder.device).toEqual({ backend: 'cpu', index: 4, name: 'CPU' });
    expect(await adder.addScalar(100, 200)).toBe(300);
    await adder.close();
  }
});
