import assert from 'node:assert/strict';

import { calls } from './conformance/calls.js';
import { memory } from './conformance/memory.js';
import { sums } from './conformance/sums.js';
import type { VectorAdder } from './vector-adder.js';

/** One behaviour of every `VectorAdder`. */
export interface ConformanceCase {
  /** Describes the behaviour: for the name of a test. */
  readonly name: string;
  /**
   * Opens a device, tries it and closes it. Rejects with an `AssertionError` if the device behaves
   * otherwise, or with the error of `open`. Has no time limit: stopping a device that hangs is left to
   * the test runner.
   */
  readonly run: () => Promise<void>;
}

/**
 * The contract of `VectorAdder` as cases for any test runner, or for none. Each case opens a device of
 * its own, so that cases can run at the same time.
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
        // The first failure is reported, also if closing fails too.
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
