import { describe, expect, it } from '@jest/globals';
import { escapeControls, printable, ProtocolError } from '@vgpu/protocol';
import * as fc from 'fast-check';

const anything = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.string({ maxLength: 100 }),
  // Halves of surrogate pairs, controls and escape sequences of terminals.
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 100 })
    .map((codes) => String.fromCharCode(...codes)),
  fc.constantFrom('\\', '\\x41', '\\u0041', '"', '\u001b[31m', '\u007f', '\u2028', '\\\\n'),
);

/** The value of the literal in JavaScript. */
const unescape = (shown: string): unknown =>
  JSON.parse(
    shown.replace(/\\(x[0-9a-f]{2}|.)/g, (escape, body: string) =>
      body.length === 3 ? `\\u00${body.slice(1)}` : escape,
    ),
  );

describe('printable', () => {
  it.each([
    ['', '""'],
    ['plain', '"plain"'],
    ['a b:c', '"a b:c"'],
    ['say "hi"', String.raw`"say \"hi\""`],
    ['back\\slash', String.raw`"back\\slash"`],
    ['\n\r\t', String.raw`"\n\r\t"`],
    ['\0', String.raw`"\u0000"`],
    ['\u001b[2J', String.raw`"\u001b[2J"`],
    ['\u007f', String.raw`"\x7f"`],
    ['\u00e9', String.raw`"\xe9"`],
    ['\u00a0', String.raw`"\xa0"`],
    ['\u00ff', String.raw`"\xff"`],
    ['\u0100', String.raw`"\u0100"`],
    ['\u2028', String.raw`"\u2028"`],
    ['\ufeff', String.raw`"\ufeff"`],
    ['\ud83d\ude00', String.raw`"\ud83d\ude00"`],
    ['\ud83d', String.raw`"\ud83d"`],
  ])('shows %j', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it('cuts after 40 characters, or after its limit', () => {
    expect(printable('x'.repeat(40))).toBe(`"${'x'.repeat(40)}"`);
    expect(printable('x'.repeat(41))).toBe(`"${'x'.repeat(40)}"... (41 characters)`);
    expect(printable('\n'.repeat(70_000), 2)).toBe(String.raw`"\n\n"... (70000 characters)`);
    expect(printable('abc', 0)).toBe('""... (3 characters)');
  });

  it('is one short line of printable ASCII, whatever the text', () => {
    fc.assert(
      fc.property(anything, (text) => {
        expect(printable(text)).toMatch(/^"[\x20-\x7e]*"(?:\.\.\. \(\d+ characters\))?$/);
        expect(printable(text).length).toBeLessThan(40 * 6 + 40);
      }),
    );
  });

  it('shows different texts differently: its output can be decoded again', () => {
    fc.assert(
      fc.property(anything, (text) => {
        expect(unescape(printable(text, 1000))).toBe(text);
      }),
    );
  });
});

describe('escapeControls', () => {
  it.each([
    ['plain "text" \\ \u00e9 \u65e5', 'plain "text" \\ \u00e9 \u65e5'],
    ['a\nb\r\t\0', String.raw`a\nb\r\t\u0000`],
    ['\u001b]0;title\u0007', String.raw`\u001b]0;title\u0007`],
    ['\u007f\u0085\u009b2J', String.raw`\u007f\u0085\u009b2J`],
    ['\u2028\u2029', String.raw`\u2028\u2029`],
    ['\u202e\u2066\u200f\u061c\ufeff', String.raw`\u202e\u2066\u200f\u061c\ufeff`],
    ['\ud83d\ude00 \ud83d', '\ud83d\ude00 ' + String.raw`\ud83d`],
    ['\u{e0001}', String.raw`\udb40\udc01`],
  ])('shows %j', (text, shown) => {
    expect(escapeControls(text)).toBe(shown);
  });

  it('keeps the exceptions', () => {
    expect(escapeControls('a\n\tb\r', '\n\t')).toBe('a\n\tb' + String.raw`\r`);
  });

  it('keeps JSON the same JSON, in one line', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const line = escapeControls(JSON.stringify({ text }));
        expect(JSON.parse(line)).toEqual({ text });
        expect(line).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe('a ProtocolError', () => {
  it('is an Error whose message has all its parts', () => {
    const error = new ProtocolError({
      code: 'BAD_REQUEST',
      field: 'pool',
      expected: "'A' or 'B'",
      received: '"C"',
    });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'ProtocolError',
      message: `pool: expected 'A' or 'B', got "C"`,
      code: 'BAD_REQUEST',
      field: 'pool',
      expected: "'A' or 'B'",
      received: '"C"',
    });
    expect(String(error)).toBe(`ProtocolError: pool: expected 'A' or 'B', got "C"`);
  });
});
