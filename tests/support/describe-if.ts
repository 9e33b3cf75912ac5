import { describe, test } from '@jest/globals';

/**
 * Like `describe`, for tests that not every machine can run; visibly skipped where that is so.
 *
 * @param hint What they need, and how to get it: "skipped: it needs g++ (apt-get install g++)". It stands
 *   in the last lines of `npm test`.
 */
export function describeIf(
  isPossible: boolean,
  hint: string,
  name: string,
  body: () => void,
): void {
  if (isPossible) describe(name, body);
  else describe.skip(`${name} (${hint})`, body);
}

/** Like `test`, otherwise as {@link describeIf}. */
export function testIf(
  isPossible: boolean,
  hint: string,
  name: string,
  body: () => void | Promise<void>,
): void {
  if (isPossible) test(name, body);
  else test.skip(`${name} (${hint})`, body);
}

/** Like `test`, for what only root may do. */
export const testAsRoot = testIf.bind(
  undefined,
  process.geteuid?.() === 0,
  'skipped: it needs root; run the tests as root',
);

/** Like `test`, for the prebuilt addons. */
export const testWherePrebuilt = testIf.bind(
  undefined,
  `${process.platform}-${process.arch}` === 'linux-x64',
  'skipped: there is no prebuilt addon for this machine',
);
