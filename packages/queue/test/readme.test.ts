import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';

import { expect, test } from '@jest/globals';
import * as exported from '@vgpu/queue';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

const examples = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, example = '']) => example);

test.each(examples)('the example prints what its comments say: %s', (example) => {
  const promised = [...example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(
    (match) => match[1],
  );
  const printed: string[] = [];
  const console = { log: (...values: unknown[]) => printed.push(values.map(String).join(' ')) };

  runInNewContext(example.replace(/^import .*$/m, ''), { ...exported, console });

  expect(printed.length).toBeGreaterThan(0);
  expect(printed).toEqual(promised);
});

test.each(Object.keys(exported))('%s has a heading', (name) => {
  expect(readme).toMatch(new RegExp(`^## .*\`${name}\``, 'm'));
});
