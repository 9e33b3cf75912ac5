import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import * as binding from '@vgpu/cuda-binding';
import { OPTION_NAMES } from '../src/cli/options.js';
import * as exported from '../src/index.js';
import { temporaryDirectory } from './support/temporary-directory.js';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const readme = read('../README.md');
const examples = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);

test.each(examples)('the example prints what its comments say: %#', async (example) => {
  const printed: unknown[] = [];
  const console = {
    log: (value: unknown) => printed.push(value),
    debug: () => undefined,
    info: () => undefined,
  };
  const body = example
    .replaceAll(/^import .*$/gm, '')
    .replaceAll('./vgpu', join(temporaryDirectory(), 'vgpu'));
  await runInNewContext(`(async () => {${body}})()`, { ...binding, ...exported, console });
  const promised = [...example.matchAll(/console\.log\(.*?\);(?: \/\/ (.*))?$/gm)];
  expect(promised.length).toBeGreaterThan(0);
  expect(printed).toHaveLength(promised.length);
  for (const [index, [, comment]] of promised.entries()) {
    if (comment !== undefined) expect(String(printed[index])).toBe(comment);
  }
});

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

test.each(OPTION_NAMES)("--%s has a row in the repository's README", (option) => {
  const variable = `VGPU_${option.toUpperCase().replaceAll('-', '_')}`;
  expect(read('../../../README.md')).toMatch(
    new RegExp(`^\\| \`--${option}\` +\\| \`${variable}\``, 'm'),
  );
});
