import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { CpuVectorAdder, type VectorAdder } from '@vgpu/cuda-binding';
import { encodeAnswer } from '@vgpu/protocol';
import { Executor } from '../src/executor.js';
import type { Job } from '../src/job.js';
import { FakeFailingAdder, FakeHungAdder, FakeLogger, FakeManualAdder } from './support/fakes.js';

const LIMIT_MS = 10_000;
const RETRY_MS = 5000;

/** As much of a job as an executor looks at. */
function fakeJob(a: readonly number[], b: readonly number[]): Job {
  return { request: { a: Int32Array.from(a), b: Int32Array.from(b) } } as unknown as Job;
}

const JOB = fakeJob([100], [200]);

let logger: FakeLogger;
let opened: VectorAdder[];
let ready: number;

/** An executor of the given devices, one for each time it opens one. */
function executorOf(...devices: (VectorAdder | Error)[]): Executor {
  const rest = [...devices];
  return new Executor({
    index: 0,
    open: () => {
      const device = rest.shift();
      if (device === undefined) throw new Error('opened more often than expected');
      if (device instanceof Error) return Promise.reject(device);
      opened.push(device);
      return Promise.resolve(device);
    },
    execLimitMs: () => LIMIT_MS,
    logger,
    onReady: () => {
      ready += 1;
    },
  });
}

beforeEach(() => {
  jest.useFakeTimers();
  logger = new FakeLogger();
  opened = [];
  ready = 0;
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

describe('an operation that fails', () => {
  test.each([
    { reason: new Error('CUDA_ERROR_OUT_OF_MEMORY: free some'), text: /^CUDA_ERROR_OUT_OF_MEMORY/ },
    { reason: new Error('zwei\nZeilen \u00e4\u2028\u0007'), text: /^zwei Zeilen *$/ },
    { reason: new Error('x'.repeat(100_000)), text: /^x{1,200}$/ },
    { reason: 'not an error', text: /^not an error$/ },
    { reason: undefined, text: /^undefined$/ },
  ])('is answered in one line: $text', async ({ reason, text }) => {
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

  test('within the call is answered, too', async () => {
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

  test('is answered with DEADLINE at the limit', async () => {
    const { executor, execution } = await hang(new FakeManualAdder());
    expect(execution).toMatchObject({ answer: { code: 'DEADLINE' }, execMs: LIMIT_MS });
    expect(encodeAnswer(execution.answer)).toBe(
      'ERROR:DEADLINE:the device did not finish within 10000 ms\n',
    );
    await executor.stop();
  });

  test('is let go and opened anew, which is told', async () => {
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

  test('and finishes late does not disturb what came after it', async () => {
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

  test('is not opened anew after stopping', async () => {
    const { executor } = await hang(new Error('still lost'));
    await executor.stop();
    await jest.advanceTimersByTimeAsync(10 * RETRY_MS);
    expect(opened).toHaveLength(1);
    expect(ready).toBe(0);
  });
});

describe('stopping', () => {
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
