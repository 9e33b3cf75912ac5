import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';

const repository = resolve(import.meta.dirname, '..');
const PAGE = 'docs/reference/what-happens-if.md';

/** All strings of the mediator, on one line: long ones are written in parts. */
const sources = readdirSync(join(repository, 'packages/mediator/src'), {
  recursive: true,
  encoding: 'utf8',
})
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join(repository, 'packages/mediator/src', file), 'utf8'))
  .join('\n')
  .replaceAll(/['`] \+\s+['`]/g, '');

/** What the page quotes of the log, without the parts that differ from case to case. */
const quoted = readFileSync(join(repository, PAGE), 'utf8')
  .split(/^(?=- |#|$)/m)
  .filter((part) => part.startsWith('- Log'))
  .flatMap((line) =>
    Array.from(line.replaceAll(/\s+/g, ' ').matchAll(/`([^`]+)`/g), ([, text = '']) => text),
  )
  .flatMap((text) => text.split('...').map((part) => part.trim()))
  .filter((text) => text.includes(' '));

test.each([...new Set(quoted)])(`the mediator logs "%s", as ${PAGE} says`, (text) => {
  expect(sources.includes(text)).toBe(true);
});
