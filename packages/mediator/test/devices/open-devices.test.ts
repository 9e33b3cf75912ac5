import { expect, jest, test } from '@jest/globals';
import { CpuVectorAdder, DeviceError, sumDevice, type VectorAdder } from '@vgpu/cuda-binding';
import { Executor } from '../../src/devices/executor.js';
import { Events } from '../../src/events.js';
import { Mediator } from '../../src/mediator.js';
import { openDevices } from '../../src/devices/open-devices.js';
import { TestHost } from '../support/test-host.js';

const logger = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const events = new Events();
const failure = (text: string) => new DeviceError('BACKEND_UNAVAILABLE', text);

const executors = (...openings: (() => Promise<VectorAdder>)[]) =>
  openings.map(
    (open, index) =>
      new Executor({
        index,
        open: async () => sumDevice(await open()),
        logger,
        settings: { execLimitMs: 1000 },
        events,
      }),
  );
const works = () => Promise.resolve(new CpuVectorAdder());
const fails = (text: string) => () => Promise.reject(failure(text));

test('a device that cannot be opened does not keep the others from serving', async () => {
  logger.error.mockClear();
  const [bad, good] = executors(fails('broken'), works);
  if (!bad || !good) throw new Error('two executors');
  await openDevices([bad, good], logger, events);
  expect([bad.isIdle, good.isIdle]).toEqual([false, true]);
  await new Promise(setImmediate);
  expect(logger.error).toHaveBeenCalledWith(
    'cannot open the device; trying again',
    expect.objectContaining({ executor: 0, error: 'broken' }),
  );
  await Promise.all([bad.stop(), good.stop()]);
});

test('a device that fails after stopping is not logged as retried', async () => {
  logger.error.mockClear();
  let fail: (error: Error) => void = () => undefined;
  const opening = () => new Promise<VectorAdder>((_resolve, reject) => (fail = reject));
  const [late, good] = executors(opening, works);
  if (!late || !good) throw new Error('two executors');
  jest.useFakeTimers();
  try {
    const opened = openDevices([late, good], logger, events);
    await jest.advanceTimersByTimeAsync(5000);
    await opened;
  } finally {
    jest.useRealTimers();
  }
  const stopped = Promise.all([late.stop(), good.stop()]);
  fail(failure('too late'));
  await stopped;
  expect(logger.error).not.toHaveBeenCalled();
});

test('a mediator without devices says so', async () => {
  const host = new TestHost(Mediator);
  try {
    await expect(host.start([])).rejects.toThrow('devices: expected at least one');
  } finally {
    await host.close();
  }
});

test('the first failure is reported if no device can be opened', async () => {
  const all = executors(fails('first'), fails('second'));
  await expect(openDevices(all, logger, events)).rejects.toThrow('first');
});

test('a device that never finishes opening is not waited for once another is open', async () => {
  jest.useFakeTimers();
  try {
    const [slow, good] = executors(() => new Promise<never>(() => undefined), works);
    if (!slow || !good) throw new Error('two executors');
    const opened = openDevices([slow, good], logger, events);
    await jest.advanceTimersByTimeAsync(5000);
    await opened;
    expect([slow.isIdle, good.isIdle]).toEqual([false, true]);
  } finally {
    jest.useRealTimers();
  }
});
