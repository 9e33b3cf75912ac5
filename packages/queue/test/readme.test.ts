import { readFileSync } from 'node:fs';

import { expect, test } from '@jest/globals';
import * as exported from '@vgpu/queue';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test.each(Object.keys(exported))('%s has a heading', (name) => {
  expect(readme).toMatch(new RegExp(`^## .*\`${name}\``, 'm'));
});
