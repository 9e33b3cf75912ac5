import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { OPTION_NAMES } from '../../src/cli/options.js';
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

test.each(OPTION_NAMES)('--%s has a row in docs/reference/options.md', (option) => {
  const variable = `VGPU_${option.toUpperCase().replaceAll('-', '_')}`;
  expect(read('../../../../docs/reference/options.md')).toMatch(
    new RegExp(`^\\| \`--${option}\` +\\| \`${variable}\``, 'm'),
  );
});
