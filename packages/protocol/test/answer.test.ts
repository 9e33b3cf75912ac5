import { describe, expect, it } from '@jest/globals';
import {
  type Answer,
  AnswerLine,
  decodeAnswer,
  encodeAnswer,
  encodeRequest,
  ErrorCode,
} from '@vgpu/protocol';
import * as fc from 'fast-check';
import * as vm from 'node:vm';
import * as z from 'zod';
import {
  anyText,
  anyValue,
  attempt,
  LIMIT,
  mutated,
  pair,
  printableText,
  rejectionOf,
  request,
} from './helpers.js';

/** The codes of the specification: they are stable. */
const CODES = [
  'BAD_REQUEST',
  'TOO_LARGE',
  'OUT_OF_RANGE',
  'LENGTH_MISMATCH',
  'VM_MISMATCH',
  'UNKNOWN_VM',
  'SUSPENDED',
  'RATE_LIMITED',
  'DEVICE_FAILED',
  'DEADLINE',
] as const;

const answer: fc.Arbitrary<Answer> = fc.oneof(
  pair.map(({ a }) => ({ sum: a })),
  fc.record({ code: fc.constantFrom(...CODES), text: printableText }),
);

/** A spelling that uses nothing of the package. */
const spell = (value: Answer) =>
  'sum' in value ? `${[...value.sum].join(',')}\n` : `ERROR:${value.code}:${value.text}\n`;

const STRICT = new RegExp(
  String.raw`^(?:ERROR:(?:${CODES.join('|')}):[\x20-\x7e]*|-?[0-9]+(?:,-?[0-9]+)*)\n$`,
);

/** Whether the specification accepts such a response. */
function isAnswer(text: string): boolean {
  if (!STRICT.test(text) || text.length > LIMIT) return false;
  if (text.startsWith('ERROR:')) return true;
  return text
    .slice(0, -1)
    .split(',')
    .every((item) => BigInt.asIntN(32, BigInt(item)).toString() === item);
}

describe('the response line', () => {
  it.each([
    ['300\n', { sum: Int32Array.of(300) }],
    ['0\n', { sum: Int32Array.of(0) }],
    ['11,22,33\n', { sum: Int32Array.of(11, 22, 33) }],
    ['-2147483648,2147483647\n', { sum: Int32Array.of(-2_147_483_648, 2_147_483_647) }],
    ['ERROR:DEADLINE:\n', { code: 'DEADLINE', text: '' }],
    ['ERROR:RATE_LIMITED:retry in 250 ms\n', { code: 'RATE_LIMITED', text: 'retry in 250 ms' }],
    ['ERROR:BAD_REQUEST:pool: a:b::\n', { code: 'BAD_REQUEST', text: 'pool: a:b::' }],
    ['ERROR:DEADLINE: ~ \n', { code: 'DEADLINE', text: ' ~ ' }],
  ] satisfies [string, Answer][])('%j says what it says, in both directions', (line, value) => {
    expect(decodeAnswer(line)).toEqual(value);
    expect(encodeAnswer(value)).toBe(line);
  });

  it('encodes every valid response, and decodes to it again', () => {
    fc.assert(
      fc.property(answer, (value) => {
        const line = encodeAnswer(value);
        expect(line).toBe(spell(value));
        expect(decodeAnswer(line)).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  it('is encoded to the same text as it was decoded from', () => {
    fc.assert(
      fc.property(answer.map(spell), (line) => {
        expect(encodeAnswer(decodeAnswer(line))).toBe(line);
      }),
      { numRuns: 500 },
    );
  });

  it('has the codes of the specification, and no others', () => {
    expect(ErrorCode.options).toEqual(CODES);
  });

  it('has a zod codec that accepts the same', () => {
    expect(z.decode(AnswerLine, '300\n')).toEqual({ sum: Int32Array.of(300) });
    expect(z.encode(AnswerLine, { sum: Int32Array.of(300) })).toBe('300\n');
    expect(z.safeDecode(AnswerLine, '300').success).toBe(false);
  });

  it('is complete only with its newline', () => {
    fc.assert(
      fc.property(answer.map(spell), fc.double({ min: 0, max: 1, noNaN: true }), (line, part) => {
        const prefix = line.slice(0, Math.floor(part * (line.length - 1)));
        expect(rejectionOf(() => decodeAnswer(prefix)).code).toBe('BAD_ANSWER');
      }),
    );
  });

  it('accepts exactly what the specification accepts', () => {
    const seen = { accepted: 0, rejected: 0 };
    fc.assert(
      fc.property(mutated(answer.map(spell)), (text) => {
        const { value, error } = attempt(() => decodeAnswer(text));
        if (isAnswer(text)) {
          expect(error).toBeUndefined();
          expect(value === undefined ? undefined : encodeAnswer(value)).toBe(text);
          seen.accepted++;
        } else {
          expect(error?.code).toBe('BAD_ANSWER');
          seen.rejected++;
        }
      }),
      { numRuns: 4000 },
    );
    // Otherwise the property above would prove little.
    expect(seen.accepted).toBeGreaterThan(100);
    expect(seen.rejected).toBeGreaterThan(100);
  });

  it('rejects any other text soon, with one line', () => {
    fc.assert(
      fc.property(anyText, fc.boolean(), (start, newline) => {
        const text = newline ? `${start}\n` : start;
        const begin = performance.now();
        const { error } = attempt(() => decodeAnswer(text));
        expect(performance.now() - begin).toBeLessThan(1000);
        expect(error === undefined).toBe(isAnswer(text));
        if (error !== undefined) expect(error.message).toMatch(/^[\x20-\x7e]{1,512}$/);
      }),
      { numRuns: 1000 },
    );
  });

  it('is within its limit if the request is', () => {
    fc.assert(
      fc.property(request, ({ a, b, ...who }) => {
        const sum = a.map((value, index) => value + (b[index] ?? 0));
        const line = encodeRequest({ ...who, a, b });
        expect(encodeAnswer({ sum }).length).toBeLessThanOrEqual(line.length);
      }),
    );
  });

  it('may be as long as a request, and no longer', () => {
    const text = 'x'.repeat(LIMIT - 'ERROR:DEADLINE:\n'.length);
    const longest = encodeAnswer({ code: 'DEADLINE', text });
    expect(longest).toHaveLength(LIMIT);
    expect(decodeAnswer(longest)).toEqual({ code: 'DEADLINE', text });
    const error = rejectionOf(() => encodeAnswer({ code: 'DEADLINE', text: `${text}x` }));
    expect(error.message).toBe('response: expected at most 65536 bytes, got 65537 bytes');
    expect(rejectionOf(() => decodeAnswer(`ERROR:DEADLINE:${text}x\n`)).message).toBe(
      'response: expected one line of at most 65536 bytes that ends in a newline, ' +
        `got "ERROR:DEADLINE:${'x'.repeat(25)}"... (65537 characters)`,
    );
    expect(decodeAnswer(`${'0,'.repeat(32_767)}0\n`)).toEqual({ sum: new Int32Array(32_768) });
    expect(encodeAnswer({ sum: new Int32Array(32_768) })).toHaveLength(LIMIT);
    expect(rejectionOf(() => encodeAnswer({ sum: new Int32Array(32_769) })).message).toBe(
      'response: expected at most 65536 bytes, got 65538 bytes',
    );
  });
});

const LINE = 'one line of at most 65536 bytes that ends in a newline';
const EITHER = 'one or more int32 sums, or an error code and its text';
const CODE = `ERROR:<CODE>:<text> with one of ${CODES.join(', ')}`;
const TEXT = 'one line of printable ASCII';

describe('a rejected response line', () => {
  it.each([
    ['', 'response', LINE, '""'],
    ['300', 'response', LINE, '"300"'],
    ['300\r', 'response', LINE, String.raw`"300\r"`],
    ['\n', 'response', EITHER, String.raw`"\n"`],
    ['300\r\n', 'response', EITHER, String.raw`"300\r\n"`],
    ['300\n\n', 'response', EITHER, String.raw`"300\n\n"`],
    ['1\n2\n', 'response', EITHER, String.raw`"1\n2\n"`],
    [' 300\n', 'response', EITHER, String.raw`" 300\n"`],
    ['+300\n', 'response', EITHER, String.raw`"+300\n"`],
    ['0300\n', 'response', EITHER, String.raw`"0300\n"`],
    ['1,,2\n', 'response', EITHER, String.raw`"1,,2\n"`],
    ['1,2,\n', 'response', EITHER, String.raw`"1,2,\n"`],
    ['2147483648\n', 'response', EITHER, String.raw`"2147483648\n"`],
    ['ERROR\n', 'response', EITHER, String.raw`"ERROR\n"`],
    ['error:DEADLINE:x\n', 'response', EITHER, String.raw`"error:DEADLINE:x\n"`],
    ['ERROR:\n', 'error code', CODE, String.raw`"ERROR:\n"`],
    ['ERROR:DEADLINE\n', 'error code', CODE, String.raw`"ERROR:DEADLINE\n"`],
    ['ERROR:deadline:x\n', 'error code', CODE, String.raw`"ERROR:deadline:x\n"`],
    ['ERROR: DEADLINE:x\n', 'error code', CODE, String.raw`"ERROR: DEADLINE:x\n"`],
    ['ERROR:NEW_CODE:x\n', 'error code', CODE, String.raw`"ERROR:NEW_CODE:x\n"`],
    ['ERROR:DEADLINE:a\tb\n', 'text', TEXT, String.raw`"ERROR:DEADLINE:a\tb\n"`],
    ['ERROR:DEADLINE:a\nb\n', 'text', TEXT, String.raw`"ERROR:DEADLINE:a\nb\n"`],
    ['ERROR:DEADLINE:\x1f\n', 'text', TEXT, String.raw`"ERROR:DEADLINE:\u001f\n"`],
    ['ERROR:DEADLINE:\x7f\n', 'text', TEXT, String.raw`"ERROR:DEADLINE:\x7f\n"`],
    ['ERROR:DEADLINE:\u00e9\n', 'text', TEXT, String.raw`"ERROR:DEADLINE:\xe9\n"`],
  ])(
    '%j names the field, the expected and the received value',
    (text, field, expected, received) => {
      const error = rejectionOf(() => decodeAnswer(text));
      expect(error).toMatchObject({ code: 'BAD_ANSWER', field, expected, received });
      expect(error.message).toBe(`${field}: expected ${expected}, got ${received}`);
    },
  );
});

describe('encodeAnswer', () => {
  it.each([
    [undefined, `response: expected ${EITHER}, got undefined`],
    [{}, `response: expected ${EITHER}, got an object`],
    [{ sum: new Int32Array() }, `response: expected ${EITHER}, got an object`],
    [{ sum: [300] }, `response: expected ${EITHER}, got an object`],
    [{ code: 'BAD_ANSWER', text: 'x' }, `response: expected ${EITHER}, got an object`],
    [{ code: 'DEADLINE' }, `response: expected ${EITHER}, got an object`],
    [{ code: 'DEADLINE', text: 'a\nb' }, String.raw`text: expected ${TEXT}, got "a\nb"`],
    [{ code: 'DEADLINE', text: 'a\n' }, String.raw`text: expected ${TEXT}, got "a\n"`],
    [{ code: 'DEADLINE', text: '\u00e9' }, String.raw`text: expected ${TEXT}, got "\xe9"`],
  ])('rejects %p', (value, message) => {
    const error = rejectionOf(() => encodeAnswer(value as never));
    expect(error).toMatchObject({ code: 'BAD_ANSWER', message });
  });

  it('rejects every value whose spelling no decoder accepts', () => {
    const field = fc.oneof(anyValue, fc.constantFrom(...CODES), fc.string({ unit: 'binary' }));
    const value = fc.oneof(
      anyValue,
      fc.record({ sum: field, code: field, text: field }, { requiredKeys: [] }),
      fc.record({ code: fc.constantFrom(...CODES), text: fc.string({ unit: 'binary' }) }),
    );
    fc.assert(
      fc.property(value, (anything) => {
        const { value: line, error } = attempt(() => encodeAnswer(anything as never));
        if (line === undefined) {
          expect(error.message).toMatch(/^[\x20-\x7e]{1,512}$/);
        } else {
          expect(isAnswer(line)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('accepts an Int32Array of another realm, as an addon or a worker may pass it', () => {
    const sum = vm.runInNewContext('Int32Array.of(300)') as Int32Array;
    expect(sum).not.toBeInstanceOf(Int32Array);
    expect(encodeAnswer({ sum })).toBe('300\n');
  });
});
