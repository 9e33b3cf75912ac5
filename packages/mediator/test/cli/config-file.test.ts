/** The text of a config file, before it is known what it says. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { problemsOf, resolveOptions } from '../../src/cli/config.js';
import type { MediatorError } from '../../src/mediator-error.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let file: string;
beforeEach(() => {
  file = join(temporaryDirectory(), 'config.json');
});

function read(): MediatorError {
  const [problem] = problemsOf({ flags: { config: file }, environment: {} });
  if (problem === undefined) throw new Error('expected that the file was refused');
  return problem;
}

describe('a config file', () => {
  test.each([
    ['{"require-registration": true,\n"require-registration": false}', 'require-registration', 2],
    ['{"settle":1,"s\\u0065ttle":1}', 'settle', 1],
    ['{\n"root":"/a",\n\n"unknown":{"a":1},"root":"/a"}', 'root', 4],
  ])('that has a key twice is refused: %j', (text, key, line) => {
    writeFileSync(file, text);
    expect(read()).toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining(
        `${file} cannot be read: the key "${key}" occurs twice, again in line ${line}`,
      ),
    });
  });

  test('may begin with a byte-order mark, but only once', () => {
    writeFileSync(file, '\ufeff{"root":"/file"}');
    expect(resolveOptions({ flags: { config: file }, environment: {} }).root).toBe('/file');
    writeFileSync(file, '\ufeff\ufeff{}');
    expect(read().message).toContain(String.raw`\ufeff`);
  });

  test.each<[what: string, content: string | Buffer]>([
    ['line breaks', '{\n\r\u2028x'],
    ['escapes of a terminal', '{"root": "\u001b[2J'],
    ['UTF-16', Buffer.from('\ufeff{"root":"/x"}', 'utf16le')],
    ['Latin-1', Buffer.from('{"root":"/ä"}', 'latin1')],
  ])('with %s where they do not belong is refused in one line of plain text', (_what, content) => {
    writeFileSync(file, content);
    const { code, message } = read();
    expect(code).toBe('INVALID_CONFIG');
    expect(message).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });
});
