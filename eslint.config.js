import eslint from '@eslint/js';
import prettier from 'eslint-config-prettier';
import jest from 'eslint-plugin-jest';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * Imports point inward (see CONTRIBUTING.md): what a folder may not import.
 *
 * @param {string} folder
 * @param {...string} forbidden
 * @returns {import('eslint').Linter.Config}
 */
const inward = (folder, ...forbidden) => ({
  files: [`packages/${folder}/**/*.ts`],
  rules: { 'no-restricted-imports': ['error', { patterns: forbidden }] },
});

export default defineConfig(
  globalIgnores(['**/dist/', '**/bundle/', '.cache/', 'coverage/']),
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
  inward('queue/src', '@vgpu/*', 'node:*'),
  inward('protocol/src', '@vgpu/*', 'node:*'),
  inward('cuda-binding/src', '@vgpu/*'),
  inward('vm-client/src', '@vgpu/mediator', '@vgpu/queue', '@vgpu/cuda-binding'),
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
    files: ['**/*.mjs'],
    rules: {
      'no-undef': 'off',
      // A cast is a comment in JavaScript, which these rules do not see.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
);
