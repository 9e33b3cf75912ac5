import { describe, expect, it } from '@jest/globals';
import {
  decodeRequest,
  encodeAnswer,
  decodeAnswer,
  encodeRequest,
  ErrorCode,
  INT32_MAX,
  INT32_MIN,
  MAX_LINE_BYTES,
  type Request,
  RequestLine,
} from '@vgpu/protocol';
import * as fc from 'fast-check';
import * as vm from 'node:vm';
import * as z from 'zod';
import {
  anyText,
  anyValue,
  attempt,
  identity,
  LIMIT,
  mutated,
  pair,
  rejectionOf,
  request,
} from './helpers.js';

const VALID: Request = {
  pool: 'A',
  priority: 2,
  vm: 1,
  a: Int32Array.of(100),
  b: Int32Array.of(200),
};

/** A spelling that uses nothing of the package. */
const spell = ({ pool, priority, vm: id, a, b }: Request) =>
  `${pool}:${priority}:${id}:${[...a].join(',')}:${[...b].join(',')}\n`;

/** The value of a line, or the code of its rejection, by the specification. */
function judge(text: string): string | { a: bigint[]; b: bigint[] } {
  if (text.length > LIMIT) return 'TOO_LARGE';
  const fields = /^([^:]*):([^:]*):([^:]*):([^:]*):([^:]*?)(?:\r?\n)?$/.exec(text);
  if (fields === null) return 'BAD_REQUEST';
  const [, pool = '', priority = '', id = '', a = '', b = ''] = fields;
  if (!/^[AB]$/.test(pool) || !/^[012]$/.test(priority)) return 'BAD_REQUEST';
  if (!isDecimal(id) || BigInt(id) < 1n || BigInt(id) > 4_294_967_295n) return 'BAD_REQUEST';
  const lists = [];
  for (const list of [a, b]) {
    const values = [];
    for (const item of list.split(',')) {
      if (!isDecimal(item)) return 'BAD_REQUEST';
      const value = BigInt(item);
      if (BigInt.asIntN(32, value) !== value) return 'OUT_OF_RANGE';
      values.push(value);
    }
    lists.push(values);
  }
  const [first = [], second = []] = lists;
  return first.length === second.length ? { a: first, b: second } : 'LENGTH_MISMATCH';
}

const isDecimal = (text: string) => /^-?[0-9]+$/.test(text) && BigInt(text).toString() === text;

/** A valid line of exactly that many bytes, with the most numbers that fit. */
function lineOf(bytes: number): { line: string; value: Request } {
  const length = Math.floor((bytes - 6) / 4);
  const a = new Int32Array(length);
  const b = new Int32Array(length);
  b[0] = 10 ** ((bytes - 6) % 4);
  const value = { ...VALID, a, b };
  return { line: spell(value), value };
}

describe('the request line', () => {
  it.each([
    ['A:2:1:100:200\n', VALID],
    ['B:0:7:0:0\n', { pool: 'B', priority: 0, vm: 7, a: Int32Array.of(0), b: Int32Array.of(0) }],
    [
      'A:1:4294967295:1,2,3:-10,-20,-30\n',
      {
        pool: 'A',
        priority: 1,
        vm: 4_294_967_295,
        a: Int32Array.of(1, 2, 3),
        b: Int32Array.of(-10, -20, -30),
      },
    ],
    [
      'A:2:1:-2147483648:2147483647\n',
      { ...VALID, a: Int32Array.of(INT32_MIN), b: Int32Array.of(INT32_MAX) },
    ],
  ] satisfies [string, Request][])('%j says what it says, in both directions', (line, value) => {
    expect(decodeRequest(line)).toEqual(value);
    expect(encodeRequest(value)).toBe(line);
  });

  it('encodes every valid request, and decodes to it again', () => {
    fc.assert(
      fc.property(request, (value) => {
        const line = encodeRequest(value);
        expect(line).toBe(spell(value));
        expect(decodeRequest(line)).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  it('is encoded to the same text as it was decoded from', () => {
    fc.assert(
      fc.property(request.map(spell), (line) => {
        expect(encodeRequest(decodeRequest(line))).toBe(line);
      }),
      { numRuns: 500 },
    );
  });

  it('may have a carriage return before the newline, or no newline', () => {
    fc.assert(
      fc.property(request.map(spell), (line) => {
        const bare = line.slice(0, -1);
        expect(decodeRequest(bare)).toEqual(decodeRequest(line));
        expect(decodeRequest(`${bare}\r\n`)).toEqual(decodeRequest(line));
      }),
    );
  });

  it('has a zod codec that accepts the same', () => {
    expect(z.decode(RequestLine, 'A:2:1:100:200\n')).toEqual(VALID);
    expect(z.encode(RequestLine, VALID)).toBe('A:2:1:100:200\n');
    expect(z.safeDecode(RequestLine, 'A:2:1:100').success).toBe(false);
  });

  it('accepts exactly what the specification accepts, and says why not', () => {
    const seen = new Map<string, number>();
    const line = fc.oneof(
      mutated(request.map(spell)),
      // Lists of different lengths, which an edit seldom makes without another fault.
      fc.tuple(identity, pair, pair).map(([who, { a }, { b }]) => spell({ ...who, a, b })),
    );
    fc.assert(
      fc.property(line, (text) => {
        const verdict = judge(text);
        const { value, error } = attempt(() => decodeRequest(text));
        if (typeof verdict === 'string') {
          expect(error?.code).toBe(verdict);
        } else {
          expect(error).toBeUndefined();
          expect(Array.from(value?.a ?? [], BigInt)).toEqual(verdict.a);
          expect(Array.from(value?.b ?? [], BigInt)).toEqual(verdict.b);
          // No two spellings, except for the end of the line.
          expect(encodeRequest(value ?? VALID)).toBe(`${text.replace(/\r?\n$/, '')}\n`);
        }
        const kind = typeof verdict === 'string' ? verdict : 'accepted';
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }),
      { numRuns: 4000 },
    );
    // Otherwise the property above would prove little.
    for (const kind of ['accepted', 'BAD_REQUEST', 'OUT_OF_RANGE', 'LENGTH_MISMATCH']) {
      expect({ kind, often: (seen.get(kind) ?? 0) > 40 }).toEqual({ kind, often: true });
    }
  });

  it('rejects any other text soon, with one line that fits in a response', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, mutated(request.map(spell))), (text) => {
        const begin = performance.now();
        const { error } = attempt(() => decodeRequest(text));
        expect(performance.now() - begin).toBeLessThan(1000);
        const verdict = judge(text);
        expect(error?.code).toBe(typeof verdict === 'string' ? verdict : undefined);
        if (error === undefined) return;
        expect(error.message).toMatch(/^[\x20-\x7e]{1,512}$/);
        const answer = { code: ErrorCode.parse(error.code), text: error.message };
        expect(decodeAnswer(encodeAnswer(answer))).toEqual(answer);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['carriage returns', '\r'],
    ['newlines', '\n'],
    ['colons', ':'],
    ['commas', ','],
    ['minus signs', '-'],
    ['zeros', '0'],
    ['nines', '9'],
    ['lists', '1,'],
    ['quotes', '"'],
  ])('takes no time to reject 70 000 %s, or as many as are not too many', (_, piece) => {
    for (const start of ['', 'A:2:1:', 'A:2:1:1:', 'A:2:']) {
      for (const length of [70_000, LIMIT]) {
        const text = start + piece.repeat(70_000);
        const begin = performance.now();
        const error = rejectionOf(() => decodeRequest(text.slice(0, length)));
        expect(performance.now() - begin).toBeLessThan(1000);
        expect(error.code).toBe(judge(text.slice(0, length)));
      }
    }
  });

  it.each([65_533, 65_534, 65_535, 65_536])('may be %i bytes long', (bytes) => {
    const { line, value } = lineOf(bytes);
    expect(line).toHaveLength(bytes);
    expect(decodeRequest(line)).toEqual(value);
    expect(encodeRequest(value)).toBe(line);
  });

  it.each([65_537, 65_538, 65_539, 131_072])('may not be %i bytes long', (bytes) => {
    const { line, value } = lineOf(bytes);
    expect(line).toHaveLength(bytes);
    expect(rejectionOf(() => decodeRequest(line))).toMatchObject({
      code: 'TOO_LARGE',
      field: 'request',
      message: `request: expected at most 65536 bytes, got ${bytes} bytes`,
    });
    expect(rejectionOf(() => encodeRequest(value))).toMatchObject({
      code: 'TOO_LARGE',
      field: 'request',
      message: `request: expected at most 65536 bytes (send long vectors in parts), got ${bytes} bytes`,
    });
  });

  it('has a limit of 64 KiB', () => {
    expect(MAX_LINE_BYTES).toBe(LIMIT);
  });
});

const FIVE = 'one line of five fields, pool:priority:vm:a:b';
const POOL = "'A' or 'B'";
const PRIORITY = '0 (low), 1 (medium) or 2 (high)';
const VM = 'a decimal number from 1 to 4294967295 without leading zeros';
const NUMBER = 'a decimal int32 without spaces, plus sign or leading zeros';
const RANGE = 'a number from -2147483648 to 2147483647';

describe('a rejected request line', () => {
  it.each([
    ['', 'BAD_REQUEST', 'request', FIVE, '""'],
    ['\n', 'BAD_REQUEST', 'request', FIVE, String.raw`"\n"`],
    ['hello', 'BAD_REQUEST', 'request', FIVE, '"hello"'],
    ['A:2:1:100\n', 'BAD_REQUEST', 'request', FIVE, String.raw`"A:2:1:100\n"`],
    ['A:2:1:1:2:3\n', 'BAD_REQUEST', 'request', FIVE, String.raw`"A:2:1:1:2:3\n"`],
    [
      'A:2:1:1:2\nA:2:1:1:2\n',
      'BAD_REQUEST',
      'request',
      FIVE,
      String.raw`"A:2:1:1:2\nA:2:1:1:2\n"`,
    ],
    ['x'.repeat(50), 'BAD_REQUEST', 'request', FIVE, `"${'x'.repeat(40)}"... (50 characters)`],
    ['C:2:1:1:2\n', 'BAD_REQUEST', 'pool', POOL, '"C"'],
    ['a:2:1:1:2\n', 'BAD_REQUEST', 'pool', POOL, '"a"'],
    ['AB:2:1:1:2\n', 'BAD_REQUEST', 'pool', POOL, '"AB"'],
    ['\ufeffA:2:1:1:2\n', 'BAD_REQUEST', 'pool', POOL, String.raw`"\ufeffA"`],
    ['\xef\xbb\xbfA:2:1:1:2\n', 'BAD_REQUEST', 'pool', POOL, String.raw`"\xef\xbb\xbfA"`],
    [':2:1:1:2\n', 'BAD_REQUEST', 'pool', POOL, '""'],
    ['A:3:1:1:2\n', 'BAD_REQUEST', 'priority', PRIORITY, '"3"'],
    ['A:high:1:1:2\n', 'BAD_REQUEST', 'priority', PRIORITY, '"high"'],
    ['A::1:1:2\n', 'BAD_REQUEST', 'priority', PRIORITY, '""'],
    ['A:02:1:1:2\n', 'BAD_REQUEST', 'priority', PRIORITY, '"02"'],
    ['A:2:0:1:2\n', 'BAD_REQUEST', 'vm', VM, '"0"'],
    ['A:2:01:1:2\n', 'BAD_REQUEST', 'vm', VM, '"01"'],
    ['A:2:-1:1:2\n', 'BAD_REQUEST', 'vm', VM, '"-1"'],
    ['A:2:vm1:1:2\n', 'BAD_REQUEST', 'vm', VM, '"vm1"'],
    ['A:2:4294967296:1:2\n', 'BAD_REQUEST', 'vm', VM, '"4294967296"'],
    ['A:2:1: 1:2\n', 'BAD_REQUEST', 'a', NUMBER, '" 1"'],
    ['A:2:1:+1:2\n', 'BAD_REQUEST', 'a', NUMBER, '"+1"'],
    ['A:2:1:0x1:2\n', 'BAD_REQUEST', 'a', NUMBER, '"0x1"'],
    ['A:2:1:-0:2\n', 'BAD_REQUEST', 'a', NUMBER, '"-0"'],
    ['A:2:1:01:2\n', 'BAD_REQUEST', 'a', NUMBER, '"01"'],
    ['A:2:1:1.5:2\n', 'BAD_REQUEST', 'a', NUMBER, '"1.5"'],
    ['A:2:1:\u0663:2\n', 'BAD_REQUEST', 'a', NUMBER, String.raw`"\u0663"`],
    ['A:2:1::2\n', 'BAD_REQUEST', 'a', NUMBER, '""'],
    ['A:2:1:1:\n', 'BAD_REQUEST', 'b', NUMBER, '""'],
    ['A:2:1:1:2\r', 'BAD_REQUEST', 'b', NUMBER, String.raw`"2\r"`],
    ['A:2:1:1:2\r\r\n', 'BAD_REQUEST', 'b', NUMBER, String.raw`"2\r"`],
    ['A:2:1:1:2\n\n', 'BAD_REQUEST', 'b', NUMBER, String.raw`"2\n"`],
    ['A:2:1:1:2\n\r\n', 'BAD_REQUEST', 'b', NUMBER, String.raw`"2\n"`],
    ['A:2:1:1:2 \n', 'BAD_REQUEST', 'b', NUMBER, '"2 "'],
    ['A:2:1:1:2\0\n', 'BAD_REQUEST', 'b', NUMBER, String.raw`"2\u0000"`],
    ['A:2:1:1,,3:1,2,3\n', 'BAD_REQUEST', 'a', `number 2 of the list to be ${NUMBER}`, '""'],
    ['A:2:1:1,2:1,2,\n', 'BAD_REQUEST', 'b', `number 3 of the list to be ${NUMBER}`, '""'],
    ['A:2:1:2147483648:2\n', 'OUT_OF_RANGE', 'a', RANGE, '"2147483648"'],
    ['A:2:1:1:-2147483649\n', 'OUT_OF_RANGE', 'b', RANGE, '"-2147483649"'],
    [
      `A:2:1:${'9'.repeat(60_000)}:2\n`,
      'OUT_OF_RANGE',
      'a',
      RANGE,
      `"${'9'.repeat(40)}"... (60000 characters)`,
    ],
    [
      'A:2:1:1,2:3,4294967296\n',
      'OUT_OF_RANGE',
      'b',
      `number 2 of the list to be ${RANGE}`,
      '"4294967296"',
    ],
    ['A:2:1:1,2,3:1,2\n', 'LENGTH_MISMATCH', 'b', 'as many numbers as in a (3)', '2'],
    ['A:2:1:1:1,2\n', 'LENGTH_MISMATCH', 'b', 'as many numbers as in a (1)', '2'],
    // The first fault decides.
    ['C:3:0:x:99999999999\n', 'BAD_REQUEST', 'pool', POOL, '"C"'],
    ['A:2:1:99999999999:x\n', 'OUT_OF_RANGE', 'a', RANGE, '"99999999999"'],
    ['A:2:1:x,99999999999:1\n', 'BAD_REQUEST', 'a', `number 1 of the list to be ${NUMBER}`, '"x"'],
  ])('%j names code, field, expectation and what came', (text, code, field, expected, received) => {
    const error = rejectionOf(() => decodeRequest(text));
    expect(error).toMatchObject({ name: 'ProtocolError', code, field, expected, received });
    expect(error.message).toBe(`${field}: expected ${expected}, got ${received}`);
    expect(judge(text)).toBe(code);
  });
});

describe('encodeRequest', () => {
  it.each([
    [{ pool: 'C' }, 'BAD_REQUEST', `pool: expected ${POOL}, got "C"`],
    [{ pool: 'A\n' }, 'BAD_REQUEST', String.raw`pool: expected ${POOL}, got "A\n"`],
    [{ priority: 3 }, 'BAD_REQUEST', `priority: expected ${PRIORITY}, got 3`],
    [{ priority: '2' }, 'BAD_REQUEST', `priority: expected ${PRIORITY}, got "2"`],
    [{ vm: 0 }, 'BAD_REQUEST', 'vm: expected a whole number from 1 to 4294967295, got 0'],
    [{ vm: 1.5 }, 'BAD_REQUEST', 'vm: expected a whole number from 1 to 4294967295, got 1.5'],
    [{ vm: NaN }, 'BAD_REQUEST', 'vm: expected a whole number from 1 to 4294967295, got NaN'],
    [
      { vm: 4_294_967_296 },
      'BAD_REQUEST',
      'vm: expected a whole number from 1 to 4294967295, got 4294967296',
    ],
    [{ a: undefined }, 'BAD_REQUEST', 'a: expected an Int32Array, got undefined'],
    [{ a: null }, 'BAD_REQUEST', 'a: expected an Int32Array, got null'],
    [{ a: [100] }, 'BAD_REQUEST', 'a: expected an Int32Array, got an array'],
    [{ a: 100 }, 'BAD_REQUEST', 'a: expected an Int32Array, got 100'],
    [{ b: Float64Array.of(1) }, 'BAD_REQUEST', 'b: expected an Int32Array, got Float64Array'],
    [
      { b: Object.create(null) as unknown },
      'BAD_REQUEST',
      'b: expected an Int32Array, got an object',
    ],
    [
      { b: { length: 1, [Symbol.toStringTag]: 'Int32Array' } },
      'BAD_REQUEST',
      'b: expected an Int32Array, got an object',
    ],
    [{ b: Symbol('\n') }, 'BAD_REQUEST', 'b: expected an Int32Array, got a symbol'],
    [
      { a: new Int32Array(), b: new Int32Array() },
      'BAD_REQUEST',
      'a: expected at least one number, got none',
    ],
    [
      { b: Int32Array.of(1, 2) },
      'LENGTH_MISMATCH',
      'b: expected as many numbers as in a (1), got 2',
    ],
  ] satisfies [object, string, string][])(
    'rejects a request with %p: %s',
    (fault, code, message) => {
      const error = rejectionOf(() => encodeRequest({ ...VALID, ...fault } as never));
      expect(error).toMatchObject({ code, message });
    },
  );

  it('names the expected object', () => {
    expect(rejectionOf(() => encodeRequest(undefined as never)).message).toBe(
      'request: expected an object with pool, priority, vm, a and b, got undefined',
    );
  });

  it('refuses bytes instead of text', () => {
    expect(rejectionOf(() => decodeRequest(Buffer.from('A:2:1:1:2\n') as never)).message).toBe(
      'request: expected a string, got Uint8Array',
    );
  });

  it('rejects every value whose spelling no decoder accepts', () => {
    const field = fc.oneof(anyValue, fc.constantFrom('A', 'B', 0, 1, 2, 7, Int32Array.of(1)));
    const value = fc.oneof(
      anyValue,
      fc.record(
        { pool: field, priority: field, vm: field, a: field, b: field },
        { requiredKeys: [] },
      ),
      fc.record({ fault: fc.constantFrom('pool', 'priority', 'vm', 'a', 'b'), field }).map(
        // A single fault, so that every field's own check is reached.
        ({ fault, field: wrong }) => ({ ...VALID, [fault]: wrong }),
      ),
    );
    fc.assert(
      fc.property(value, (anything) => {
        const { value: line, error } = attempt(() => encodeRequest(anything as never));
        if (line === undefined) {
          expect(error.message).toMatch(/^[\x20-\x7e]{1,512}$/);
        } else {
          expect(typeof judge(line)).toBe('object');
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('accepts an Int32Array of another realm, as an addon or a worker may pass it', () => {
    const foreign = vm.runInNewContext('Int32Array.of(100)') as Int32Array;
    expect(foreign).not.toBeInstanceOf(Int32Array);
    expect(encodeRequest({ ...VALID, a: foreign })).toBe('A:2:1:100:200\n');
  });

  it('encodes the numbers of a view with an offset', () => {
    const a = Int32Array.of(9, 8, 100, 7).subarray(2, 3);
    expect(encodeRequest({ ...VALID, a })).toBe('A:2:1:100:200\n');
  });
});
