import { expect, test } from '@jest/globals';
import { filesToChange, repositoryAddress } from '../scripts/repository-address.mjs';

test('the address of the repository is one', () => {
  expect(repositoryAddress()).toMatch(/^https:\/\/[\w.-]+\/[\w.-]+\/[\w.-]+$/);
});

test('all tracked files have the address of the top package.json', () => {
  // If not: edit `repository` there, then run `node scripts/repository-address.mjs`.
  expect(filesToChange().map(({ file }) => file)).toEqual([]);
});
