import { describe, expect, it } from '@jest/globals';
import { CpuVectorAdder, sumDevice, type AddOptions, type Device } from '../src/index.js';

/** What every device promises the scheduling. */
function describeDevice(name: string, open: () => Device): void {
  describe(`${name}, a device`, () => {
    it('says what it is, and what it can run', async () => {
      const device = open();
      expect(device.info).toMatchObject({ index: expect.any(Number), name: expect.any(String) });
      expect([device.canRun('add'), device.canRun('saxpy@1')]).toEqual([true, false]);
      await device.close();
    });

    it.each([
      [[1], [2], [3]],
      [[2_147_483_647], [1], [-2_147_483_648]],
      [
        [1, 2, 3],
        [10, 20, 30],
        [11, 22, 33],
      ],
      [[], [], []],
    ])('adds %j and %j', async (a, b, sum) => {
      const device = open();
      const call = { operation: 'add', a: Int32Array.from(a), b: Int32Array.from(b) } as const;
      expect([...(await device.run(call)).sum]).toEqual(sum);
      await device.close();
    });

    it('rejects an operation that it cannot run', async () => {
      const device = open();
      const call = { operation: 'saxpy@1', a: Int32Array.of(1), b: Int32Array.of(1) };
      const running = device.run(call as never);
      await expect(running).rejects.toMatchObject({ code: 'INVALID_OPTION' });
      await device.close();
    });

    it('rejects operands that do not fit each other, and calls after it was closed', async () => {
      const device = open();
      const call = { operation: 'add', a: Int32Array.of(1, 2), b: Int32Array.of(1) } as const;
      await expect(device.run(call)).rejects.toMatchObject({ code: 'LENGTH_MISMATCH' });
      const one = { operation: 'add', a: Int32Array.of(1), b: Int32Array.of(1, 2) } as const;
      await expect(device.run(one)).rejects.toMatchObject({ code: 'LENGTH_MISMATCH' });
      await device.close();
      const right = { operation: 'add', a: Int32Array.of(1), b: Int32Array.of(1) } as const;
      await expect(device.run(right)).rejects.toMatchObject({ code: 'DEVICE_CLOSED' });
      await device.close();
    });
  });
}

describeDevice('the CPU', () => sumDevice(new CpuVectorAdder()));

describe('a device of sums', () => {
  class CountingAdder extends CpuVectorAdder {
    readonly calls: string[] = [];

    override add(a: Int32Array, b: Int32Array, options?: AddOptions): Promise<Int32Array> {
      this.calls.push('add');
      options?.onDeviceTime?.(5);
      return super.add(a, b, options);
    }

    override addScalar(a: number, b: number): Promise<number> {
      this.calls.push('addScalar');
      return super.addScalar(a, b);
    }
  }

  it('takes the short way for two numbers, and passes the time of a vector on', async () => {
    const adder = new CountingAdder();
    const device = sumDevice(adder);
    const times: number[] = [];
    const options = { onDeviceTime: (ms: number) => void times.push(ms) };
    await device.run({ operation: 'add', a: Int32Array.of(1), b: Int32Array.of(2) }, options);
    expect([adder.calls, times]).toEqual([['addScalar'], []]);
    await device.run({ operation: 'add', a: Int32Array.of(1, 2), b: Int32Array.of(3, 4) }, options);
    expect([adder.calls, times]).toEqual([['addScalar', 'add'], [5]]);
    await device.close();
  });
});
