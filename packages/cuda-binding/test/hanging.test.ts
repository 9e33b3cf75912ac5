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

describeOnStub('memory that is being registered, while the driver lets nobody launch', () => {
  test.each(['scalar', 'pinned', 'short'])(
    'holds up calls, but not the event loop: %s',
    async (kind) => {
      const { status, stderr, lines } = await runChild<{ turns: number }>('registering', {
        args: [kind],
        stub: { REGISTER_MS: 400 },
      });
      expect(lines).toEqual([{ turns: expect.any(Number) }, 50]);
      // A blocked loop has two or three.
      expect(lines[0]?.turns).toBeGreaterThan(100);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
  );
});
