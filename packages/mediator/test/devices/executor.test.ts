import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { CpuVectorAdder, sumDevice, type AddOptions, type VectorAdder } from '@vgpu/cuda-binding';
import { encodeAnswer } from '@vgpu/protocol';
import { Executor } from '../../src/devices/executor.js';
import { Events } from '../../src/events.js';
import type { QueuedRequest } from '../../src/scheduling/queued-request.js';
import {
  FakeFailingAdder,
  FakeHungAdder,
  FakeLogger,
  FakeManualAdder,
  LOST,
  OUT_OF_MEMORY,
} from '../support/fakes.js';

const LIMIT_MS = 10_000;
const RETRY_MS = 5000;
const CLOSE_LIMIT_MS = 2000;

/** The fields of a job that an executor reads. */
function fakeJob(a: readonly number[], b: readonly number[]): QueuedRequest {
  const call = { operation: 'add', a: Int32Array.from(a), b: Int32Array.from(b) };
  return { call } as QueuedRequest;
}

const JOB = fakeJob([100], [200]);

let logger: FakeLogger;
let opened: VectorAdder[];
let ready: number;
let changes: string[];

/** An executor of the given devices, one for each time it opens one. */
function executorOf(...devices: (VectorAdder | Error | Promise<VectorAdder>)[]): Executor {
  const rest = [...devices];
  const events = new Events();
  events.on('devicesChanged', () => {
    if (executor.isIdle) ready += 1;
  });
  events.on('deviceChanged', ({ state }, fault) => {
    changes.push(fault === undefined ? state : `${state}: ${fault.kind}`);
  });
  const executor = new Executor({
    index: 0,
    open: () => {
      const device = rest.shift();
      if (device === undefined) throw new Error('opened more often than expected');
      if (device instanceof Error) return Promise.reject(device);
      if (device instanceof Promise) return device.then(sumDevice);
      opened.push(device);
      return Promise.resolve(sumDevice(device));
    },
    settings: { execLimitMs: LIMIT_MS },
    logger,
    events,
  });
  return executor;
}

beforeEach(() => {
  jest.useFakeTimers();
  logger = new FakeLogger();
  opened = [];
  ready = 0;
  changes = [];
});

afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

describe('a device', () => {
  test('is idle once it is open, busy while it computes, then idle', async () => {
    const adder = new FakeManualAdder();
    const executor = executorOf(adder);
    expect(executor.isIdle).toBe(false);
    await executor.open();
    expect([executor.isIdle, executor.isBusy]).toEqual([true, false]);
    const execution = executor.run(JOB);
    expect([executor.isIdle, executor.isBusy]).toEqual([false, true]);
    jest.advanceTimersByTime(70);
    adder.finish();
    expect(await execution).toEqual({ answer: { sum: Int32Array.of(300) }, execMs: 70 });
    expect([executor.isIdle, executor.isBusy]).toEqual([true, false]);
    expect(ready).toBe(0);
    await executor.stop();
    expect(adder.isClosed).toBe(true);
  });

  test('that cannot be opened is an error', async () => {
    const executor = executorOf(new Error('no such device'));
    await expect(executor.open()).rejects.toThrow('no such device');
    expect(executor.isIdle).toBe(false);
    await executor.stop();
  });

  test.each([
    { a: [1], b: [2], line: '3\n' },
    { a: [0], b: [0], line: '0\n' },
    { a: [2147483647], b: [1], line: '-2147483648\n' },
    { a: [1, 2, 3], b: [10, 20, 30], line: '11,22,33\n' },
  ])('adds $a and $b', async ({ a, b, line }) => {
    const executor = executorOf(new CpuVectorAdder());
    await executor.open();
    const { answer } = await executor.run(fakeJob(a, b));
    expect(encodeAnswer(answer)).toBe(line);
    await executor.stop();
  });

  test('is not given a second operation', async () => {
    const adder = new FakeManualAdder();
    const executor = executorOf(adder);
    await expect(executor.run(JOB)).rejects.toThrow('not idle');
    await executor.open();
    const execution = executor.run(JOB);
    await expect(executor.run(JOB)).rejects.toThrow('not idle');
    expect(executor.isBusy).toBe(true);
    adder.finish();
    await execution;
    expect(adder.started).toHaveLength(1);
    await executor.stop();
  });
});

describe('a snapshot', () => {
  test('has the number of a device that could not be opened, where it is known', () => {
    const open = () => new Promise<never>(() => undefined);
    const options = { open, logger, settings: { execLimitMs: LIMIT_MS }, events: new Events() };
    const executor = new Executor({ ...options, index: 0, device: 3 });
    expect(executor.snapshot()).toMatchObject({ executor: 0, device: 3, state: 'closed' });
  });

  test('reports the device, and its work', async () => {
    const adder = new FakeManualAdder();
    const executor = executorOf(adder);
    expect(executor.snapshot()).toEqual({
      executor: 0,
      device: null,
      backend: null,
      name: null,
      state: 'closed',
      busyMs: 0,
      jobs: 0,
      faults: 0,
    });
    await executor.open();
    const info = { executor: 0, device: 0, backend: 'cpu', name: 'fake', faults: 0 };
    expect(executor.snapshot()).toEqual({ ...info, state: 'idle', busyMs: 0, jobs: 0 });
    const execution = executor.run(JOB);
    jest.advanceTimersByTime(70);
    expect(executor.snapshot()).toEqual({ ...info, state: 'busy', busyMs: 70, jobs: 1 });
    adder.finish();
    await execution;
    jest.advanceTimersByTime(1000);
    expect(executor.snapshot()).toEqual({ ...info, state: 'idle', busyMs: 70, jobs: 1 });
    await executor.stop();
    expect(executor.snapshot().state).toBe('stopped');
  });

  test('counts faults, and says when the device is out of service', async () => {
    const failing = () => new FakeFailingAdder(LOST);
    const executor = executorOf(failing(), failing(), failing(), new CpuVectorAdder());
    await executor.open();
    for (let fault = 1; fault <= 3; fault += 1) {
      await executor.run(JOB);
      await jest.advanceTimersByTimeAsync(0);
      expect(executor.snapshot()).toMatchObject({ faults: fault, jobs: fault });
    }
    expect(executor.snapshot().state).toBe('out-of-service');
    await jest.advanceTimersByTimeAsync(RETRY_MS);
    await executor.run(JOB);
    expect(executor.snapshot()).toMatchObject({ state: 'idle', faults: 3, jobs: 4 });
    expect(changes).toEqual([
      'idle',
      'closed: lost',
      'idle',
      'closed: lost',
      'idle',
      'out-of-service: lost',
      'idle',
    ]);
    await executor.stop();
  });
});

describe('the time on the device', () => {
  /** A device with a clock of its own, by which an addition takes 0.5 ms. */
  function withClock(): FakeManualAdder {
    const adder = new FakeManualAdder();
    const add = adder.add.bind(adder);
    adder.add = async (a, b, options?: AddOptions) => {
      const sum = await add(a, b);
      options?.onDeviceTime?.(0.5);
      return sum;
    };
    return adder;
  }

  test.each([
    { what: 'two vectors is by its own clock', adder: withClock, a: [1, 2], execMs: 0.5 },
    {
      what: "two vectors is by the host's clock where it has none",
      adder: () => new FakeManualAdder(),
      a: [1, 2],
      execMs: 70,
    },
    { what: "two numbers is by the host's clock", adder: withClock, a: [1], execMs: 70 },
  ])('of $what', async ({ adder: create, a, execMs }) => {
    const adder = create();
    const executor = executorOf(adder);
    await executor.open();
    const execution = executor.run(fakeJob(a, a));
    jest.advanceTimersByTime(70);
    adder.finish();
    expect((await execution).execMs).toBe(execMs);
    await executor.stop();
  });
});

describe('an operation that fails', () => {
  test.each([
    { reason: new Error('CUDA_ERROR_OUT_OF_MEMORY: free some'), text: /^CUDA_ERROR_OUT_OF_MEMORY/ },
    { reason: new Error('zwei\nZeilen \u00e4\u2028\u0007'), text: /^zwei Zeilen *$/ },
    { reason: new Error('x'.repeat(100_000)), text: /^x{1,200}$/ },
    { reason: 'not an error', text: /^not an error$/ },
    { reason: undefined, text: /^undefined$/ },
  ])('becomes a response of one line: $text', async ({ reason, text }) => {
    const executor = executorOf(new FakeFailingAdder(reason));
    await executor.open();
    for (const job of [JOB, fakeJob([1, 2], [3, 4])]) {
      const { answer } = await executor.run(job);
      expect(answer).toMatchObject({ code: 'DEVICE_FAILED', text: expect.stringMatching(text) });
      expect(encodeAnswer(answer)).toMatch(/^ERROR:DEVICE_FAILED:.*\n$/);
      expect(executor.isIdle).toBe(true);
    }
    expect(opened).toHaveLength(1);
    await executor.stop();
  });

  test('alone leaves the device open, however often', async () => {
    const adder = new FakeManualAdder();
    const executor = executorOf(adder);
    await executor.open();
    for (let i = 0; i < 5; i += 1) {
      const execution = executor.run(JOB);
      adder.fail(OUT_OF_MEMORY);
      expect(await execution).toEqual({
        answer: { code: 'DEVICE_FAILED', text: OUT_OF_MEMORY.message },
        execMs: 0,
      });
      expect(executor.isIdle).toBe(true);
    }
    expect(adder.isClosed).toBe(false);
    await executor.stop();
  });

  test('within the call becomes a response, too', async () => {
    const adder = new FakeManualAdder();
    adder.addScalar = () => {
      throw new Error('thrown');
    };
    const executor = executorOf(adder);
    await executor.open();
    const { answer } = await executor.run(JOB);
    expect(answer).toEqual({ code: 'DEVICE_FAILED', text: 'thrown' });
    await executor.stop();
  });
});

describe('a device that hangs', () => {
  async function hang(...next: (VectorAdder | Error)[]) {
    const hung = new FakeHungAdder();
    const executor = executorOf(hung, ...next);
    await executor.open();
    const execution = executor.run(JOB);
    await jest.advanceTimersByTimeAsync(LIMIT_MS - 1);
    expect(executor.isBusy).toBe(true);
    await jest.advanceTimersByTimeAsync(1);
    return { executor, hung, execution: await execution };
  }

  test('gets DEADLINE at the limit', async () => {
    const { executor, execution } = await hang(new FakeManualAdder());
    expect(execution).toMatchObject({ answer: { code: 'DEADLINE' }, execMs: LIMIT_MS });
    expect(encodeAnswer(execution.answer)).toBe(
      'ERROR:DEADLINE:the device did not finish within 10000 ms\n',
    );
    await executor.stop();
  });

  test('is closed and reopened, which is reported', async () => {
    const next = new FakeManualAdder();
    const { executor, hung } = await hang(next);
    expect(hung.closings).toBe(1);
    expect(opened).toEqual([hung, next]);
    expect(executor.isIdle).toBe(true);
    expect(ready).toBe(1);
    const execution = executor.run(JOB);
    next.finish();
    expect(await execution).toMatchObject({ answer: { sum: Int32Array.of(300) } });
    await executor.stop();
    expect(next.isClosed).toBe(true);
    // It would never end, had the device that hangs to be closed.
  });

  test('and that cannot be opened is tried again every five seconds', async () => {
    const next = new FakeManualAdder();
    const { executor } = await hang(new Error('still lost'), new Error('still lost'), next);
    expect(executor.isIdle).toBe(false);
    await expect(executor.run(JOB)).rejects.toThrow('not idle');
    await jest.advanceTimersByTimeAsync(RETRY_MS - 1);
    expect(logger.of('cannot open the device; trying again')).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(logger.of('cannot open the device; trying again')).toHaveLength(2);
    expect(ready).toBe(0);
    await jest.advanceTimersByTimeAsync(RETRY_MS);
    expect(ready).toBe(1);
    expect(executor.isIdle).toBe(true);
    expect(opened).toHaveLength(2);
    await executor.stop();
  });

  test('and finishes late does not disturb the next operation', async () => {
    const late = new FakeManualAdder();
    const next = new FakeManualAdder();
    const executor = executorOf(late, next);
    await executor.open();
    const first = executor.run(fakeJob([1], [1]));
    await jest.advanceTimersByTimeAsync(LIMIT_MS);
    expect(await first).toMatchObject({ answer: { code: 'DEADLINE' } });
    const second = executor.run(fakeJob([2], [2]));
    late.finish();
    await jest.advanceTimersByTimeAsync(0);
    expect(executor.isBusy).toBe(true);
    next.finish();
    expect(await second).toMatchObject({ answer: { sum: Int32Array.of(4) } });
    await executor.stop();
  });

  test('and is lost in the end does not take the new one with it', async () => {
    const late = new FakeManualAdder();
    const next = new FakeManualAdder();
    const executor = executorOf(late, next);
    await executor.open();
    const first = executor.run(JOB);
    await jest.advanceTimersByTimeAsync(LIMIT_MS);
    await first;
    const second = executor.run(JOB);
    late.fail(LOST);
    await jest.advanceTimersByTimeAsync(0);
    expect(executor.isBusy).toBe(true);
    next.finish();
    expect(await second).toMatchObject({ answer: { sum: Int32Array.of(300) } });
    expect(opened).toEqual([late, next]);
    await executor.stop();
  });

  test('and fails to close is reported, not thrown', async () => {
    const hung = new FakeHungAdder();
    hung.close = () => Promise.reject(new Error('cannot close'));
    const executor = executorOf(hung, new FakeManualAdder());
    await executor.open();
    const execution = executor.run(JOB);
    await jest.advanceTimersByTimeAsync(LIMIT_MS);
    await execution;
    expect(logger.of('the hung device did not close')).toHaveLength(1);
    await executor.stop();
  });

  test('is not reopened after stopping', async () => {
    const { executor } = await hang(new Error('still lost'));
    await executor.stop();
    await jest.advanceTimersByTimeAsync(10 * RETRY_MS);
    expect(opened).toHaveLength(1);
    expect(ready).toBe(0);
  });
});

describe('a device that is lost', () => {
  /** Runs a job that loses the device; returns its result after all consequences. */
  async function lose(executor: Executor, adder: FakeManualAdder) {
    const execution = executor.run(JOB);
    adder.fail(LOST);
    const result = await execution;
    expect(executor.isIdle).toBe(false);
    await jest.advanceTimersByTimeAsync(0);
    return result;
  }

  const isOutOfService = () => logger.of('the device is out of service; trying it again').length;

  test('is closed, then reopened, which is reported', async () => {
    const lost = new FakeManualAdder();
    let close: () => void = () => undefined;
    lost.close = () =>
      new Promise((resolve) => {
        close = resolve;
      });
    const next = new FakeManualAdder();
    const executor = executorOf(lost, next);
    await executor.open();
    expect(await lose(executor, lost)).toEqual({
      answer: { code: 'DEVICE_FAILED', text: LOST.message },
      execMs: 0,
      fault: { kind: 'lost', message: LOST.message },
    });
    expect([executor.isIdle, executor.isBusy, ready]).toEqual([false, false, 0]);
    expect(opened).toEqual([lost]);
    close();
    await jest.advanceTimersByTimeAsync(0);
    expect(opened).toEqual([lost, next]);
    expect([executor.isIdle, ready]).toEqual([true, 1]);
    expect(logger.of('the device is lost; reopening it')).toMatchObject([
      { level: 'error', fields: { executor: 0, error: LOST.message } },
    ]);
    await executor.stop();
  });

  test('by a vector is reopened, too', async () => {
    const adders = [new FakeFailingAdder(LOST), new FakeManualAdder()];
    const executor = executorOf(...adders);
    await executor.open();
    expect((await executor.run(fakeJob([1, 2], [3, 4]))).fault?.kind).toBe('lost');
    await jest.advanceTimersByTimeAsync(0);
    expect(opened).toEqual(adders);
    await executor.stop();
  });

  test('and does not close is left behind after two seconds', async () => {
    const adders = [new FakeManualAdder(), new FakeManualAdder()] as const;
    adders[0].close = () => new Promise(() => undefined);
    const executor = executorOf(...adders);
    await executor.open();
    await lose(executor, adders[0]);
    await jest.advanceTimersByTimeAsync(CLOSE_LIMIT_MS - 1);
    expect(opened).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(opened).toHaveLength(2);
    expect(executor.isIdle).toBe(true);
    await executor.stop();
  });

  test('and fails to close is reopened all the same', async () => {
    const adders = [new FakeManualAdder(), new FakeManualAdder()] as const;
    adders[0].close = () => Promise.reject(new Error('cannot close'));
    const executor = executorOf(...adders);
    await executor.open();
    await lose(executor, adders[0]);
    expect(opened).toHaveLength(2);
    expect(logger.of('the lost device did not close')).toHaveLength(1);
    await executor.stop();
  });

  test('three times in a row is out of service, and tried every five seconds', async () => {
    const adders = Array.from({ length: 6 }, () => new FakeManualAdder());
    const executor = executorOf(...adders);
    await executor.open();
    for (const [i, adder] of adders.slice(0, 5).entries()) {
      expect(executor.isIdle).toBe(true);
      await lose(executor, adder);
      expect(adder.isClosed).toBe(true);
      if (i < 2) continue;
      expect(isOutOfService()).toBe(i - 1);
      await jest.advanceTimersByTimeAsync(RETRY_MS - 1);
      expect(executor.isIdle).toBe(false);
      expect(opened).toHaveLength(i + 1);
      await jest.advanceTimersByTimeAsync(1);
    }
    expect([executor.isIdle, ready]).toEqual([true, 5]);
    await executor.stop();
  });

  test('and succeeds in between stays in service', async () => {
    const adders = Array.from({ length: 6 }, () => new FakeManualAdder());
    const executor = executorOf(...adders);
    await executor.open();
    for (const [i, adder] of adders.slice(0, 5).entries()) {
      if (i % 2 === 0) {
        const execution = executor.run(JOB);
        adder.finish();
        await execution;
      }
      await lose(executor, adder);
      expect(executor.isIdle).toBe(true);
    }
    expect(isOutOfService()).toBe(0);
    await executor.stop();
  });

  test('and fails for another reason in between has not succeeded', async () => {
    const adders = Array.from({ length: 3 }, () => new FakeManualAdder());
    const executor = executorOf(...adders);
    await executor.open();
    for (const adder of adders) {
      const execution = executor.run(JOB);
      adder.fail(OUT_OF_MEMORY);
      await execution;
      await lose(executor, adder);
    }
    expect(isOutOfService()).toBe(1);
    await executor.stop();
  });

  test('or hangs three times in a row is out of service', async () => {
    const [first, last] = [new FakeManualAdder(), new FakeManualAdder()];
    const executor = executorOf(first, new FakeHungAdder(), last);
    await executor.open();
    await lose(executor, first);
    const execution = executor.run(JOB);
    await jest.advanceTimersByTimeAsync(LIMIT_MS);
    await execution;
    await lose(executor, last);
    expect(isOutOfService()).toBe(1);
    await executor.stop();
    expect(executor.isIdle).toBe(false);
  });

  test('is not reopened after stopping', async () => {
    const adders = Array.from({ length: 3 }, () => new FakeManualAdder());
    const executor = executorOf(...adders);
    await executor.open();
    for (const adder of adders) await lose(executor, adder);
    await executor.stop();
    await jest.advanceTimersByTimeAsync(10 * RETRY_MS);
    expect(opened).toHaveLength(3);

    const closing = new FakeHungAdder();
    closing.addScalar = () => Promise.reject(LOST);
    const another = executorOf(closing, new FakeManualAdder());
    await another.open();
    expect((await another.run(JOB)).fault?.kind).toBe('lost');
    await another.stop();
    await jest.advanceTimersByTimeAsync(10 * RETRY_MS);
    expect(opened).toHaveLength(4);
  });
});

describe('stopping', () => {
  test('does not wait without limit for a device that does not close', async () => {
    const executor = executorOf(new FakeHungAdder());
    await executor.open();
    let isStopped = false;
    const stopping = executor.stop().then(() => (isStopped = true));
    await jest.advanceTimersByTimeAsync(CLOSE_LIMIT_MS - 1);
    expect(isStopped).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    await stopping;
    expect(logger.of('the device does not close; leaving it behind')).toHaveLength(1);
  });

  test('does not wait without limit for a device that does not open, but closes it', async () => {
    const adder = new FakeManualAdder();
    let open: () => void = () => undefined;
    const executor = executorOf(
      new Promise((resolve) => {
        open = () => {
          resolve(adder);
        };
      }),
    );
    void executor.open();
    let isStopped = false;
    const stopping = executor.stop().then(() => (isStopped = true));
    await jest.advanceTimersByTimeAsync(CLOSE_LIMIT_MS - 1);
    expect(isStopped).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    await stopping;
    open();
    await jest.advanceTimersByTimeAsync(0);
    expect(adder.isClosed).toBe(true);
    expect(executor.isIdle).toBe(false);
  });

  test('waits for a device that is being opened and closes then', async () => {
    const adder = new FakeManualAdder();
    const executor = executorOf(
      new Promise((resolve) => {
        setTimeout(() => {
          resolve(adder);
        }, CLOSE_LIMIT_MS / 2);
      }),
    );
    void executor.open();
    const stopping = executor.stop();
    await jest.advanceTimersByTimeAsync(CLOSE_LIMIT_MS / 2);
    await stopping;
    expect(adder.isClosed).toBe(true);
    expect(logger.of('the device does not close; leaving it behind')).toEqual([]);
  });

  test('while the device opens closes it as soon as it is open', async () => {
    const adder = new FakeManualAdder();
    const executor = executorOf(adder);
    const opening = executor.open();
    await executor.stop();
    await opening;
    expect(adder.isClosed).toBe(true);
    expect(executor.isIdle).toBe(false);
  });

  test('before it was opened is harmless', async () => {
    await expect(executorOf().stop()).resolves.toBeUndefined();
  });

  test('waits for the operation that is in flight, as the device does', async () => {
    const executor = executorOf(new CpuVectorAdder({ delayMs: 50 }));
    await executor.open();
    const execution = executor.run(JOB);
    let isStopped = false;
    const stopping = executor.stop().then(() => {
      isStopped = true;
    });
    await jest.advanceTimersByTimeAsync(49);
    expect(isStopped).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    await stopping;
    expect(await execution).toMatchObject({ answer: { sum: Int32Array.of(300) } });
    expect(executor.isIdle).toBe(false);
  });
});
