/** The long suite, `npm run test:long`: minutes for each test. `.ci/run` runs it after `npm test`. */
import process from 'node:process';
import short from './jest.config.js';

// Workers inherit it; tests/support/amount.ts reads it.
process.env['VGPU_TEST_LONG'] = '1';

/** Of these `npm test` does a part: they take their amounts from tests/support/amount.ts. */
const longer = [
  'packages/mediator/test/{histories,spool/spool-fuzz}',
  'packages/protocol/test/fuzz',
  'tests/{crash,plain-slot}',
];

/** @type {import('jest').Config} */
export default {
  ...short,
  testMatch: [
    '<rootDir>/packages/*/test/**/*.long.test.ts',
    '<rootDir>/tests/**/*.long.test.ts',
    ...longer.map((test) => `<rootDir>/${test}.test.ts`),
  ],
  testPathIgnorePatterns: [],
  testTimeout: 60 * 60_000,
};
