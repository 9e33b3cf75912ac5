import eslint from '@eslint/js';
import prettier from 'eslint-config-prettier';
import jest from 'eslint-plugin-jest';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * Imports point inward (see ARCHITECTURE.md): what a folder may not import. Where several entries
 * name a file the last holds.
 *
 * @param {string | string[]} files
 * @param {...string} forbidden Regular expressions.
 * @returns {import('eslint').Linter.Config}
 */
const inward = (files, ...forbidden) => ({
  files: [files].flat().map((file) => `packages/${file}`),
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: forbidden.map((regex) => ({ regex, message: INWARD })) },
    ],
    // What is imported where it is used.
    'no-restricted-syntax': [
      'error',
      ...forbidden.map((regex) => ({
        selector: `ImportExpression > Literal[value=/${regex.replaceAll('/', '\\/')}/]`,
        message: INWARD,
      })),
    ],
  },
});

const INWARD = 'Imports point inward: see ARCHITECTURE.md.';

/** Whose top is `bin.ts`: nobody imports it. */
const BIN = '/bin\\.js$';
const CLI = '/cli/';
const HTTP = '/http/';
const CONTROL = '/control/';
const DOCTOR = '/doctor/';
const PROVISIONING = '/provisioning/';
/** What is in a VM directory is reached by its module, and the spool over it, alone. */
const VM_DIRECTORY =
  '/spool/(directory-calls|native-calls|open-directory|plain-request|proc-calls|request-listing|request-reader|response-writer|settling|slot-reader|finder|watch-directory)\\.js$';
const SPOOL = '/spool/';
const STATE = '/state/';
/** The rooms around the domain. */
const OUTER = [CLI, HTTP, CONTROL, DOCTOR, PROVISIONING];

export default defineConfig(
  globalIgnores(['**/dist/', '**/bundle/', '.cache/', 'coverage/', 'docs/api/']),
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  prettier,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/prefer-nullish-coalescing': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
  inward(['queue/src/**', 'protocol/src/**'], '^@vgpu/', '^node:'),
  inward('linux/src/**', '^@vgpu/'),
  inward('cuda-binding/src/**', '^@vgpu/(?!linux/addons$)'),
  inward('vm-client/src/**', '^@vgpu/(?!(?:linux|protocol)$)', BIN, CLI),
  inward(
    ['vm-client/src/bin.ts', 'vm-client/src/cli/**'],
    '^@vgpu/(?!(?:linux|protocol(?:/cli)?)$)',
    BIN,
  ),
  inward('mediator/src/*', BIN, CLI, HTTP, DOCTOR, VM_DIRECTORY),
  inward(
    'mediator/src/{mediator,parts,serving,inspection}.ts',
    BIN,
    CLI,
    HTTP,
    DOCTOR,
    VM_DIRECTORY,
    '^node:fs',
  ),
  inward(
    'mediator/src/{intake,scheduling,devices,delivery}/**',
    ...[BIN, ...OUTER, SPOOL, '^node:fs'],
  ),
  inward('mediator/src/telemetry/**', BIN, ...OUTER, SPOOL, STATE, '^node:fs'),
  inward('mediator/src/spool/**', BIN, ...OUTER),
  inward('mediator/src/state/**', BIN, ...OUTER, SPOOL),
  inward('mediator/src/provisioning/**', BIN, CLI, HTTP, CONTROL, DOCTOR, SPOOL),
  inward('mediator/src/control/**', BIN, CLI, HTTP, DOCTOR, PROVISIONING, SPOOL),
  inward('mediator/src/http/**', BIN, CLI, CONTROL, DOCTOR, PROVISIONING, SPOOL),
  inward('mediator/src/doctor/**', BIN, CLI, HTTP, SPOOL),
  inward(['mediator/src/bin.ts', 'mediator/src/cli/**'], BIN, SPOOL),
  {
    // The process belongs to `bin.ts`; what is told of it is passed on.
    files: ['packages/*/src/**'],
    ignores: [
      'packages/*/src/bin.ts',
      // A program of its own.
      'packages/cuda-binding/src/device-process.ts',
      // These hand the environment on to a child.
      'packages/linux/src/flock.ts',
      'packages/linux/src/notify.ts',
    ],
    rules: {
      'no-restricted-properties': [
        'error',
        ...['argv', 'env', 'exit', 'exitCode', 'on', 'once', 'stderr', 'stdin', 'stdout'].map(
          (property) => ({
            object: 'process',
            property,
            message: 'Only bin.ts knows of its process: see ARCHITECTURE.md.',
          }),
        ),
      ],
    },
  },
  {
    files: ['**/*.test.ts'],
    extends: [jest.configs['flat/recommended']],
    rules: {
      // `expect` also lives in the helpers of the black-box tests.
      'jest/expect-expect': ['error', { assertFunctionNames: ['expect', 'expect*', 'fc.assert'] }],
      'jest/no-conditional-expect': 'off',
      'jest/no-standalone-expect': 'off',
    },
  },
  {
    files: [
      'scripts/**',
      'packages/*/scripts/**',
      'tests/gpu/run.mjs',
      'tests/vm/**',
      'bench/**',
      '*.config.js',
    ],
    rules: { 'no-console': 'off' },
  },
  {
    // tsc knows which names there are, and checks these files too.
    files: ['**/*.mjs', 'packages/*/bin/*.js'],
    rules: {
      'no-undef': 'off',
      // A cast is a comment in JavaScript, which these rules do not see.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
);
