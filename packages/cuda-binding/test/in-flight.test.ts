import { expect, test } from '@jest/globals';

import { describeOnStub, runChild } from './support/stub.js';

async function resultOf(action: string, kernelUs = 0): Promise<unknown> {
  const { status, stderr, lines } = await runChild('in-flight', {
    args: [action],
    stub: { KERNEL_US: kernelUs },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(lines).toHaveLength(1);
  return lines[0];
}

describeOnStub('calls in flight', () => {
  test.each([0, 300, 3000])(
    'may be more than there are tickets, with kernels of %d microseconds',
    async (kernelUs) => {
      expect(await resultOf('many', kernelUs)).toEqual({ isInOrder: true, right: 1300 });
    },
  );
});

describeOnStub('onDeviceTime', () => {
  test('is called just before the result of a single launch comes', async () => {
    // The stub reports a microsecond for each.
    expect(await resultOf('the time')).toEqual([0.001, 'short', 0.001, 'pinned', 'long', 'empty']);
  });

  test('is not called for an addition that fails', async () => {
    expect(await resultOf('the time of what fails')).toEqual(['rejected']);
  });

  test('may throw, which is the error of that call only', async () => {
    const calls = Array.from({ length: 17 }, (_, i) => ['on purpose', 2 * i]);
    expect(await resultOf('it throws')).toEqual(calls.flat());
  });

  test('may make calls and close the device, which keeps the order', async () => {
    expect(await resultOf('it makes calls')).toEqual(['outer', 'next', 'inner', 'closed']);
  });
});
