import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';

import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
const examples = Array.from(readme.matchAll(/^```js\n(.*?)^```/gms), ([, code]) => code ?? '');

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vgpu-readme-'));
});

afterEach(async () => {
  jest.restoreAllMocks();
  await rm(folder, { recursive: true });
});

test('there are examples', () => {
  expect(examples).toHaveLength(2);
});

test.each(examples)('prints what its comments say: %#', async (code) => {
  const printed: string[] = [];
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  jest.spyOn(console, 'log').mockImplementation((value) => {
    printed.push(typeof value === 'string' ? value : inspect(value));
  });

  const source = fileURLToPath(new URL('../src/', import.meta.url));
  const example = join(folder, 'example.mjs');
  await writeFile(
    example,
    code
      .replace(`'@vgpu/cuda-binding'`, JSON.stringify(join(source, 'index.ts')))
      .replace(`'@vgpu/cuda-binding/conformance'`, JSON.stringify(join(source, 'conformance.ts'))),
  );
  await import(example);

  const promised = Array.from(
    code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm),
    ([, text]) => text,
  );
  expect(promised).not.toHaveLength(0);
  expect(printed).toEqual(promised);
});
