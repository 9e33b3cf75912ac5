import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { escapeControls } from '@vgpu/protocol';
import { resolveOptions } from '../../src/cli/config.js';
import { createLogger } from '../../src/cli/log.js';
import { styleFor, escapeAround } from '../../src/cli/terminal-text.js';

/** Names that a guest may give its files. */
const NAMES = [
  '.vgpu-taken-\u001b[2J\u001b]0;owned\u0007',
  'x\n12:00:00.000 error disk full',
  'x\r\u009b31m\u007f',
  'a\u2028b\u2029c\u0085d',
  '\u202etxt.exe\u2066',
];
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\p{Cf}]/u;

async function logged(format: string, write: (logger: ReturnType<typeof createLogger>) => void) {
  let text = '';
  const options = resolveOptions({ flags: { 'log-format': format }, environment: {} });
  const logger = createLogger(options, {
    waitingBytes: 0,
    write: (lines, done) => {
      text += lines;
      done();
    },
  });
  write(logger);
  await new Promise(setImmediate);
  return text.split('\n').slice(0, -1);
}

describe.each(['pretty', 'json'])('a log of format %s', (format) => {
  test.each(NAMES)('shows what a guest has written as it is, in one line: %j', async (name) => {
    const lines = await logged(format, (logger) => {
      logger.warn(`cannot read ${name}`, {
        error: `ENOENT, open '${name}'`,
        names: [name],
        [name]: 1,
      });
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(CONTROLS);
    if (format === 'json') {
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({
        message: `cannot read ${name}`,
        error: `ENOENT, open '${name}'`,
        names: [name],
        [name]: 1,
      });
    }
  });
});

test.each(NAMES)('output of a command shows it so, too, with styles and without: %j', (name) => {
  const style = styleFor({ isTerminal: true, environment: {} });
  const shown = escapeAround(`${style('red', name)}\t${name.replaceAll('\n', '')}\n`);
  expect(shown.startsWith('\u001b[31m')).toBe(true);
  // The marks of the style are gone when they are stripped, and a guest's are text by then.
  const bare = stripVTControlCharacters(shown);
  expect(bare).toContain(escapeControls(name));
  expect(bare.trimEnd().replace('\t', '')).not.toMatch(CONTROLS);
});
