import { printable, type Slot } from '@vgpu/protocol';
import * as fc from 'fast-check';
import { identity, int32, pair, printableText, request, slot, vmId } from '../helpers.js';
import type { Target } from './fuzzer.js';
import type { Protocol } from './instrumented.js';
import {
  judgeAnswer,
  judgeRegisterBlock,
  judgeRequest,
  judgeSlotName,
  judgeVmDirectoryName,
  type Verdict,
} from './oracle.js';

/** The most for the lines that a mediator reads most often, and that have the most rules. */
const PERCENT: Readonly<Record<string, number>> = { 'request line': 40, 'response line': 20 };
const PERCENT_OF_OTHERS = 10;

interface Codec<T> {
  readonly judge: (text: string) => Verdict;
  readonly decode: (text: string) => T;
  readonly encode: (value: T) => string;
  /** Another reader of the same texts, which returns undefined for a text that it refuses. */
  readonly parse?: (text: string) => T | undefined;
}

/** All functions that decode foreign texts. */
export function targetsIn(protocol: Protocol): Target[] {
  const target = <T>(
    name: string,
    valid: fc.Arbitrary<string>,
    tokens: readonly string[],
    codec: Codec<T>,
  ): Target => ({
    name,
    valid,
    tokens: [...TOKENS, ...tokens],
    percent: PERCENT[name] ?? PERCENT_OF_OTHERS,
    problemOf: (text) => problemOf(codec, text, protocol.ProtocolError),
  });
  const slotName = (kind: 'request' | 'response', codec: Codec<Slot>) =>
    target(
      `${kind} file name`,
      slot.map((s) => (s.kind === 'plain' ? `${kind}.txt` : `${kind}-${s.id}.txt`)),
      ['request', 'response', '.txt', '-', '.', '/', '../', '_', 'x'.repeat(60)],
      codec,
    );
  return [
    target('request line', requestText, [...NUMBERS, 'A:', 'B:', ':2:', 'A:2:1:'], {
      judge: judgeRequest,
      decode: protocol.decodeRequest,
      encode: protocol.encodeRequest,
    }),
    target('response line', answerText, [...NUMBERS, 'ERROR', 'ERROR:', ...CODES], {
      judge: judgeAnswer,
      decode: protocol.decodeAnswer,
      encode: protocol.encodeAnswer,
    }),
    target('register block', blockText, ['VGPU', '\x01\0\0\0', '\0\0\0', 'A', '\x02', '\xff'], {
      judge: judgeRegisterBlock,
      decode: (text) => protocol.decodeRegisterBlock(Buffer.from(text, 'latin1')),
      encode: (value) => Buffer.from(protocol.encodeRegisterBlock(value)).toString('latin1'),
    }),
    slotName('request', {
      judge: (text) => judgeSlotName('request', text),
      decode: protocol.decodeRequestName,
      encode: protocol.encodeRequestName,
      parse: protocol.slotOfRequest,
    }),
    slotName('response', {
      judge: (text) => judgeSlotName('response', text),
      decode: protocol.decodeResponseName,
      encode: protocol.encodeResponseName,
      parse: protocol.slotOfResponse,
    }),
    target(
      'VM directory name',
      vmId.map((id) => `vm${id}`),
      [...NUMBERS, 'vm', 'VM'],
      {
        judge: judgeVmDirectoryName,
        decode: protocol.decodeVmDirectoryName,
        encode: protocol.encodeVmDirectoryName,
      },
    ),
  ];
}

const TOKENS = ['\n', '\r', '\r\n', '\0', ' ', '\t', '\x7f', '\x80', '\xa0', '\ufeff', '\u0661'];
const NUMBERS = [
  ...[':', ',', '-', '+', '0', '1', '9', '00', '-0', '0x', '1e3', '.5', ':1:', ',1', '1,'],
  ...['2147483647', '2147483648', '-2147483648', '-2147483649', '4294967295', '4294967296'],
  ...['9007199254740993', '99999999999999999999'],
];
const CODES = ['BAD_REQUEST', 'TOO_LARGE', 'LENGTH_MISMATCH', 'DEADLINE', 'BAD_ANSWER', 'toString'];

const listText = fc.array(int32, { minLength: 1, maxLength: 20 }).map((list) => list.join(','));
const requestText = fc
  .tuple(request, fc.constantFrom('\n', '\n', '\r\n', ''))
  .map(
    ([{ pool, priority, vm, a, b }, end]) =>
      `${pool}:${priority}:${vm}:${a.join(',')}:${b.join(',')}${end}`,
  );
const answerText = fc.oneof(
  listText.map((list) => `${list}\n`),
  pair.map(({ a }) => `${a.join(',')}\n`),
  fc
    .tuple(fc.constantFrom('BAD_REQUEST', 'RATE_LIMITED', 'DEADLINE'), printableText)
    .map(([code, text]) => `ERROR:${code}:${text}\n`),
);
const blockText = fc
  .tuple(fc.constantFrom('VGPU\x01\0\0\0', '\0\0\0\0\0\0\0\0'), identity, fc.nat({ max: 40 }))
  .map(([start, { pool, priority, vm }, rest]) => {
    const id = [0, 8, 16, 24].map((bit) => String.fromCharCode((vm >>> bit) & 0xff)).join('');
    const level = String.fromCharCode(priority);
    return `${start}${pool}\0\0\0${level}\0\0\0${id}${'\0'.repeat(rest)}`;
  });

/** Fit for a log line, a response or a terminal. */
const PRINTABLE = /^[\x20-\x7e]{1,512}$/;

function problemOf<T>(
  { judge, decode, encode, parse }: Codec<T>,
  text: string,
  ProtocolError: Protocol['ProtocolError'],
): string | undefined {
  const verdict = judge(text);
  const expected = 'code' in verdict ? verdict.code : 'accepted';
  try {
    const value = decode(text);
    if ('code' in verdict) return `accepted, not refused with ${verdict.code}`;
    if (!isSame(verdict.value, value)) return 'read as another value than it has';
    if (parse !== undefined && !isSame(verdict.value, parse(text)))
      return 'parsed as another value';
    const spelling = encode(value);
    if (spelling !== verdict.spelling) return `written again as ${printable(spelling)}`;
  } catch (error) {
    if (!(error instanceof ProtocolError)) return `another error: ${printable(String(error), 200)}`;
    if (error.code !== expected) return `${error.code} (${error.message}), not ${expected}`;
    if (!PRINTABLE.test(error.message)) return `a message of ${printable(error.message, 600)}`;
    if (parse?.(text) !== undefined) return 'parsed, though it is refused';
  }
  return undefined;
}

/** Whether a value is the expected one, whatever array type holds its numbers. */
function isSame(expected: unknown, actual: unknown): boolean {
  if (typeof expected !== 'object' || expected === null) return Object.is(expected, actual);
  if (typeof actual !== 'object' || actual === null) return false;
  if (Array.isArray(expected)) {
    const list = actual as ArrayLike<unknown>;
    return list.length === expected.length && expected.every((item, at) => item === list[at]);
  }
  const keys = Object.keys(expected);
  return (
    keys.length === Object.keys(actual).length &&
    keys.every((key) =>
      isSame((expected as Record<string, unknown>)[key], (actual as Record<string, unknown>)[key]),
    )
  );
}
