import assert from 'node:assert/strict';

import { calls } from './conformance/calls.js';
import { memory } from './conformance/memory.js';
import { sums } from './conformance/sums.js';
import type { VectorAdder } from './vector-adder.js';

/** One thing that every `VectorAdder` does. */
export interface ConformanceCase {
  /** What the device does, in words: for the name of a test. */
  readonly name: string;
  /**
   * Opens a device, tries it and closes it. Rejects with an `AssertionError` if the device does
   * otherwise, or with what `open` rejected with. Has no time limit: a device that never answers is
   * for the test runner to stop.
   */
  readonly run: () => Promise<void>;
}

/**
 * The contract of `VectorAdder` as cases for any test runner, or for none. `open` gives a fresh
 * device for every case; cases that run at the same time have a device each.
 *
 * @param open Opens a fresh device each time.
 */
export function conformance(open: () => Promise<VectorAdder>): readonly ConformanceCase[] {
  return Object.entries({ ...sums, ...memory, ...calls }).map(([name, check]) => ({
    name,
    run: async () => {
      const adder = await open();
      try {
        await check(adder);
        await adder.close();
      } catch (error) {
        // What failed first is what to report, also if closing fails too.
        await adder.close().catch(() => undefined);
        throw asAssertionError(error);
      }
    },
  }));
}

function asAssertionError(error: unknown): assert.AssertionError {
  if (error instanceof assert.AssertionError) return error;
  const failure = new assert.AssertionError({ message: `unexpected failure: ${String(error)}` });
  failure.cause = error;
  return failure;
}
