import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import process from 'node:process';

// What whoever runs the tests has set is not to count; all processes of the tests inherit this.
process.umask(0o022);
for (const name of Object.keys(process.env)) {
  if (/^(?:VGPU_(?!TEST|FUZZ|HISTOR)|LC_|LANG|FORCE_COLOR$|NO_COLOR$|GIT_)/.test(name)) {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- variables of the environment
    delete process.env[name];
  }
}
Object.assign(process.env, { NODE_ENV: 'test', LC_ALL: 'C.UTF-8' });

/** @param {string} path @returns {boolean} whether other users may enter it */
function isPublic(path) {
  return (statSync(path).mode & 0o001) !== 0 && (path === '/' || isPublic(dirname(path)));
}

// Other users go there, and paths in it are parts of commands, of units and of makefiles.
if (!/^[\w/.-]+$/.test(tmpdir()) || !isPublic(tmpdir())) process.env['TMPDIR'] = '/tmp';

/** @type {import('jest').Config} */
export default {
  testMatch: ['<rootDir>/packages/*/test/**/*.test.ts', '<rootDir>/tests/**/*.test.ts'],
  // See jest.long.config.js.
  testPathIgnorePatterns: ['\\.long\\.test\\.ts$'],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    // Types are checked by `tsc -b`; here a file at a time is only stripped of them.
    '^.+\\.ts$': ['ts-jest', { useESM: true, tsconfig: 'tsconfig.tools.json', diagnostics: false }],
  },
  // Projects with the packages installed, which the tests make.
  modulePathIgnorePatterns: ['<rootDir>/.cache/'],
  moduleNameMapper: {
    // Unit tests run on the sources; the black-box tests start what was built.
    '^@vgpu/([^/]+)$': '<rootDir>/packages/$1/src/index.ts',
    '^@vgpu/protocol/cli$': '<rootDir>/packages/protocol/src/cli.ts',
    '^@vgpu/([^/]+)/(conformance|addons)$': '<rootDir>/packages/$1/src/$2.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  // A limit for what hangs: machines that run tests may be busy.
  testTimeout: 10 * 60_000,
  reporters: ['default', '<rootDir>/scripts/result-reporter.mjs'],
  // Two CPUs: a third one works while two wait for their processes.
  maxWorkers: 3,
  cacheDirectory: '<rootDir>/.cache/jest',
  collectCoverageFrom: ['packages/*/src/**/*.ts'],
};
