import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import * as exported from '../../src/index.js';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const readme = read('../../README.md');

const DOCUMENTED = [
  'Mediator',
  'Registry',
  'addVm',
  'deviceFileOf',
  'describeQemu',
  'describeLibvirt',
  'describeStub',
  'exportsLine',
  'MediatorError',
];
test.each(DOCUMENTED)('%s has a heading', (name) => {
  expect(exported).toHaveProperty(name);
  expect(readme).toMatch(new RegExp(`^## \`${name}\``, 'm'));
});
