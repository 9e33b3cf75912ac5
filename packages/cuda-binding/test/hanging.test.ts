import { expect, test } from '@jest/globals';

import { describeOnStub, runChild } from './support/stub.js';

describeOnStub('a kernel that hangs', () => {
  test.each(['scalar', 'pinned', 'short', 'long'])(
    'holds up its calls and close(), but neither the event loop nor the exit: %s',
    async (kind) => {
      const { status, signal, stderr, lines } = await runChild('hanging', { args: [kind] });
      const timers = Array.from({ length: 20 }, (_, i) => `timer ${i + 1}`);
      expect(lines).toEqual([...timers, 'DEVICE_CLOSED']);
      expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
    },
  );
});
