// The last lines of `npm test`: the skipped tests, and the numbers of passed, failed and skipped tests.
import { writeFileSync } from 'node:fs';

/** In the title of a skipped test: see tests/support/describe-if.ts. */
const HINT = /\((skipped: .*)\)$/;

/**
 * The part of jest's results that is used here.
 *
 * @typedef {{ status: string, ancestorTitles: string[], title: string }} Test
 * @typedef {Record<'numPassedTests' | 'numFailedTests' | 'numRuntimeErrorTestSuites' | 'numPendingTests' |
 *   'numTodoTests', number> & { testResults: { testResults: Test[] }[] }} Results
 */

export default class ResultReporter {
  /** @param {Set<unknown>} _contexts @param {Results} results */
  onRunComplete(_contexts, results) {
    const file = process.env['VGPU_TEST_RESULT'];
    if (file === undefined) return;
    /** @type {Map<string, number>} */
    const skipped = new Map();
    for (const { testResults } of results.testResults) {
      for (const { status, ancestorTitles, title } of testResults) {
        if (status === 'passed' || status === 'failed') continue;
        const titles = [...ancestorTitles, title];
        // A test that an argument has left out has no hint.
        const end = titles.findIndex((each) => HINT.test(each)) + 1;
        if (end === 0) continue;
        const name = titles.slice(0, end).join(' > ');
        skipped.set(name, (skipped.get(name) ?? 0) + 1);
      }
    }
    // A file that cannot be loaded has no tests that could fail.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const counts = [`${results.numPassedTests} passed`, `${failed} failed`];
    const left = results.numPendingTests + results.numTodoTests;
    if (left > 0) counts.push(`${left} skipped`);
    const lines = Array.from(skipped, ([name, count]) => `${count} of ${name}`);
    writeFileSync(file, [...lines, counts.join(', ')].join('\n'));
  }
}
