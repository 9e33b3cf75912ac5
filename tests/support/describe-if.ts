import { describe } from '@jest/globals';

/**
 * Like `describe`, for tests that not every machine can run; visibly skipped where that is so.
 *
 * @param hint What they need, and how to get it.
 */
export function describeIf(
  isPossible: boolean,
  hint: string,
  name: string,
  body: () => void,
): void {
  if (isPossible) {
    describe(name, body);
    return;
  }
  // A test runner does not show the names of what it skips.
  process.stderr.write(`${name}: ${hint}\n`);
  describe.skip(`${name} (${hint})`, body);
}
