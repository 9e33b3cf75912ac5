import { jest } from '@jest/globals';
import { PLAIN_SLOT } from '@vgpu/protocol';
import type { VmDirectory } from '../../src/spool/vm-directory.js';

const A_MINUTE_MS = 60_000;

/** Reads the plain slot when the time of a held request is over. */
export function afterHolding(directory: VmDirectory): void {
  const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now() + A_MINUTE_MS);
  try {
    directory.read(PLAIN_SLOT);
  } finally {
    clock.mockRestore();
  }
}
