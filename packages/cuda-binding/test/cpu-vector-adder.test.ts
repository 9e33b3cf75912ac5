import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';

import { CpuVectorAdder } from '../src/index.js';

describe('sums', () => {
  test('are those of int32 arithmetic', async () => {
    const adder = new CpuVectorAdder();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.integer(), fc.integer())), async (pairs) => {
        const a = Int32Array.from(pairs, ([value]) => value);
        const b = Int32Array.from(pairs, ([, value]) => value);
        const expected = pairs.map(([x, y]) => (x + y) | 0);
        expect(Array.from(await adder.add(a, b))).toEqual(expected);
        expect(await Promise.all(pairs.map(([x, y]) => adder.addScalar(x, y)))).toEqual(expected);
      }),
    );
  });
});

describe('out', () => {
  test('takes the sum, also where it is an operand', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer(), fc.integer())),
        fc.constantFrom('new', 'a', 'b'),
        async (pairs, where) => {
          const a = Int32Array.from(pairs, ([value]) => value);
          const b = Int32Array.from(pairs, ([, value]) => value);
          const expected = pairs.map(([x, y]) => (x + y) | 0);
          const out = { new: new Int32Array(a.length), a, b }[where];
          expect(await new CpuVectorAdder().add(a, b, { out })).toBe(out);
          expect(Array.from(out)).toEqual(expected);
        },
      ),
    );
  });

  test('is written when a delayed operation is due', async () => {
    const out = new Int32Array(1);
    const adder = new CpuVectorAdder({ delayMs: 5 });
    const sum = adder.add(Int32Array.of(1), Int32Array.of(2), { out });
    expect(out[0]).toBe(0);
    expect(await sum).toBe(out);
    expect(out[0]).toBe(3);
  });

  test('is refused if it can not take the sum', async () => {
    const adder = new CpuVectorAdder();
    const adding = adder.add(new Int32Array(2), new Int32Array(2), { out: new Int32Array(3) });
    await expect(adding).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe('onDeviceTime', () => {
  test('is never called', async () => {
    const onDeviceTime = jest.fn();
    await new CpuVectorAdder().add(Int32Array.of(1), Int32Array.of(2), { onDeviceTime });
    expect(onDeviceTime).not.toHaveBeenCalled();
  });
});

describe('allocate', () => {
  test('gives zeros', async () => {
    expect(await new CpuVectorAdder().allocate(3)).toEqual(new Int32Array(3));
  });

  test('rejects with what V8 says of too large an array', async () => {
    const error = new RangeError('Array buffer allocation failed');
    const real = globalThis.Int32Array;
    globalThis.Int32Array = function () {
      throw error;
    } as unknown as typeof Int32Array;
    try {
      await expect(new CpuVectorAdder().allocate(3)).rejects.toBe(error);
    } finally {
      globalThis.Int32Array = real;
    }
  });

  test('is refused after close()', async () => {
    const adder = new CpuVectorAdder();
    await adder.close();
    await expect(adder.allocate(3)).rejects.toMatchObject({ code: 'DEVICE_CLOSED' });
  });
});

describe('options', () => {
  test('have defaults', () => {
    expect(new CpuVectorAdder().device).toEqual({ backend: 'cpu', index: 0, name: 'CPU' });
  });

  test('choose the index', () => {
    expect(new CpuVectorAdder({ index: 7 }).device.index).toBe(7);
  });

  test.each([-1, 0.5, NaN, Infinity, '0' as unknown as number])('index %p is refused', (index) => {
    expect(() => new CpuVectorAdder({ index })).toThrow(
      expect.objectContaining({ name: 'DeviceError', code: 'INVALID_OPTION' }),
    );
  });

  test.each([-1, NaN, Infinity, '5' as unknown as number])('delayMs %p is refused', (delayMs) => {
    expect(() => new CpuVectorAdder({ delayMs })).toThrow(
      expect.objectContaining({ name: 'DeviceError', code: 'INVALID_OPTION' }),
    );
  });
});

describe('errors', () => {
  test('say what was expected, what came and what to do', async () => {
    const adder = new CpuVectorAdder({ index: 3 });
    await expect(adder.addScalar(2 ** 31, 0)).rejects.toThrow(
      'expected two integers from -2147483648 to 2147483647, received 2147483648 and 0: round or wrap them first, for example with `value | 0`',
    );
    await expect(adder.add(new Int32Array(3), new Int32Array(4))).rejects.toThrow(
      'expected two vectors of equal length, received 3 and 4 elements: cut or pad one of them',
    );
    await expect(
      adder.add([1] as unknown as Int32Array, new Float32Array(1) as unknown as Int32Array),
    ).rejects.toThrow(
      'expected two Int32Arrays, received an array and Float32Array: convert them first, for example with Int32Array.from',
    );
    await adder.close();
    await expect(adder.addScalar(1, 2)).rejects.toThrow(
      'expected an open device, received a call after close() of cpu device 3: open another one',
    );
  });
});

describe('without a delay', () => {
  test('a call settles in a microtask', async () => {
    const adder = new CpuVectorAdder();
    const settled = jest.fn();
    void adder.addScalar(1, 2).then(settled);
    void adder.add(Int32Array.of(1), Int32Array.of(2)).then(settled);
    await Promise.resolve();
    expect(settled).toHaveBeenCalledTimes(2);
  });

  test('operands are read within the call', async () => {
    const a = Int32Array.of(1);
    const sum = new CpuVectorAdder().add(a, a);
    a[0] = 5;
    expect(await sum).toEqual(Int32Array.of(2));
  });
});

describe('with a delay', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  test('calls take their time one after another', async () => {
    const adder = new CpuVectorAdder({ delayMs: 100 });
    const sums: number[] = [];
    for (const a of [1, 2, 3]) void adder.addScalar(a, 0).then((sum) => sums.push(sum));

    await jest.advanceTimersByTimeAsync(99);
    expect(sums).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(sums).toEqual([1]);
    await jest.advanceTimersByTimeAsync(100);
    expect(sums).toEqual([1, 2]);
    await jest.advanceTimersByTimeAsync(100);
    expect(sums).toEqual([1, 2, 3]);
  });

  test('a call on an idle device takes its time from then on', async () => {
    const adder = new CpuVectorAdder({ delayMs: 100 });
    void adder.addScalar(1, 0);
    await jest.advanceTimersByTimeAsync(1000);

    const settled = jest.fn();
    void adder.addScalar(2, 0).then(settled);
    await jest.advanceTimersByTimeAsync(99);
    expect(settled).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect(settled).toHaveBeenCalledWith(2);
  });

  test('fractions of a millisecond add up', async () => {
    const adder = new CpuVectorAdder({ delayMs: 0.25 });
    const settled = jest.fn();
    for (let i = 0; i < 40; i++) void adder.addScalar(i, 0).then(settled);
    await jest.advanceTimersByTimeAsync(9);
    expect(settled).toHaveBeenCalledTimes(36);
    await jest.advanceTimersByTimeAsync(1);
    expect(settled).toHaveBeenCalledTimes(40);
  });

  test('there is one timer however many calls wait', async () => {
    const adder = new CpuVectorAdder({ delayMs: 1 });
    const calls = Array.from({ length: 1000 }, (_, i) => adder.addScalar(i, 0));
    await jest.advanceTimersByTimeAsync(0);
    expect(jest.getTimerCount()).toBe(1);
    await jest.advanceTimersByTimeAsync(1000);
    expect(await Promise.all(calls)).toHaveLength(1000);
  });

  test('a delay longer than a timer can be is kept', async () => {
    const adder = new CpuVectorAdder({ delayMs: 2 ** 31 + 10 });
    const settled = jest.fn();
    void adder.addScalar(1, 2).then(settled);
    await jest.advanceTimersByTimeAsync(2 ** 31 + 9);
    expect(settled).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect(settled).toHaveBeenCalledWith(3);
  });

  test('close() during a delay waits', async () => {
    const adder = new CpuVectorAdder({ delayMs: 100 });
    const events: string[] = [];
    void adder.addScalar(1, 0).then(() => events.push('first'));
    void adder.addScalar(2, 0).then(() => events.push('second'));
    void adder.close().then(() => events.push('closed'));

    await jest.advanceTimersByTimeAsync(199);
    expect(events).toEqual(['first']);
    await jest.advanceTimersByTimeAsync(1);
    expect(events).toEqual(['first', 'second', 'closed']);
  });

  test('a refused call does not wait', async () => {
    const adder = new CpuVectorAdder({ delayMs: 100 });
    await expect(adder.addScalar(NaN, 0)).rejects.toMatchObject({ code: 'OUT_OF_RANGE' });
  });
});

describe('on the real clock', () => {
  test('no call comes back early', async () => {
    const adder = new CpuVectorAdder({ delayMs: 5.5 });
    const start = performance.now();
    await Promise.all([adder.addScalar(1, 2), adder.addScalar(3, 4)]);
    expect(performance.now() - start).toBeGreaterThanOrEqual(11);
  });

  test('a delayed call keeps the process alive', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout');
    const before = timers().length;
    const sum = new CpuVectorAdder({ delayMs: 20 }).addScalar(1, 2);
    await Promise.resolve();
    await Promise.resolve();
    expect(timers()).toHaveLength(before + 1);
    expect(await sum).toBe(3);
  });
});
