import { expect, test } from '@jest/globals';

import { describeOnStub, runChild } from './support/stub.js';

describeOnStub('worker threads', () => {
  test('and the main thread use a device at the same time', async () => {
    const { contexts, ...end } = await runChild('workers', { stub: { KERNEL_US: 200 } });
    const lines = [{ right: 200 }, { right: 200 }, { right: 200 }];
    expect(end).toEqual({ status: 0, signal: null, stderr: '', lines });
    expect(contexts.map(({ streams, registrations }) => streams + registrations)).toEqual([
      0, 0, 0,
    ]);
  });
});
