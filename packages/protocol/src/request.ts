import * as z from 'zod/mini';
import { decodeWith, encodeWith, refuse, type Refusal, Text } from './codec.js';
import { PoolLetter, PriorityDigit, readPriority, readVmId, VmIdDecimal } from './identity.js';
import { MAX_LINE_BYTES } from './max-line-bytes.js';
import { Int32List, readInt32List } from './operands.js';
import { printable } from './printable.js';
import { ProtocolError, type Rejection } from './protocol-error.js';
import { writeUsualRequest } from './usual-lines.js';

const FIELDS = ['pool', 'priority', 'vm', 'a', 'b'] as const;

const COLON = ':';
const NO_LINE = { expected: `one line of five fields, ${FIELDS.join(':')}` };
const tooLarge = (length: number) => ({
  code: 'TOO_LARGE' as const,
  expected: `at most ${MAX_LINE_BYTES} bytes`,
  received: `${length} bytes`,
});
const lengthMismatch = (a: Int32Array, b: Int32Array) => ({
  code: 'LENGTH_MISMATCH' as const,
  field: 'b',
  expected: `as many numbers as in a (${a.length})`,
  received: String(b.length),
});

/** The fields of a request line, each with its spelling. */
const Request = z
  .object(
    {
      /** Which devices may serve it. */
      pool: PoolLetter,
      /** 2 high, 1 medium, 0 low. */
      priority: PriorityDigit,
      /** The number of the VM that asks. */
      vm: VmIdDecimal,
      /** The first vector. */
      a: Int32List,
      /** The second one, as long as the first. */
      b: Int32List,
    },
    'an object with pool, priority, vm, a and b',
  )
  .check((ctx) => {
    const { a, b } = ctx.value;
    if (a.length !== b.length) refuse(ctx, lengthMismatch(a, b));
  });
/**
 * What a VM asks: to have `b` added to `a`, element by element as int32.
 *
 * @useDeclaredType
 */
export type Request = z.output<typeof Request>;

/**
 * The request line `pool:priority:vm:a:b\n` and what it says. A carriage return before the newline
 * and a missing newline are tolerated when decoding; whether text without a newline is complete is
 * for the reader to find out. Each request has exactly one spelling otherwise.
 */
export const RequestLine = z.codec(Text, Request, {
  decode: (text, ctx) => {
    if (text.length > MAX_LINE_BYTES) return refuse(ctx, tooLarge(text.length));
    const ends = fieldEnds(text);
    if (ends === undefined) return refuse(ctx, NO_LINE);
    const [pool, priority, vm, a, b] = ends;
    return {
      pool: text.slice(0, pool),
      priority: text.slice(pool + 1, priority),
      vm: text.slice(priority + 1, vm),
      a: text.slice(vm + 1, a),
      b: text.slice(a + 1, b),
    };
  },
  encode: (fields, ctx) => {
    const text = `${FIELDS.map((name) => fields[name]).join(':')}\n`;
    if (text.length <= MAX_LINE_BYTES) return text;
    return refuse(ctx, {
      code: 'TOO_LARGE',
      field: 'request',
      expected: `at most ${MAX_LINE_BYTES} bytes (send long vectors in parts)`,
      received: `${text.length} bytes`,
    });
  },
});

/**
 * Reads a request line.
 *
 * @param text One character per byte (`latin1`), so that the limit counts bytes.
 * @throws ProtocolError `BAD_REQUEST`, `TOO_LARGE`, `OUT_OF_RANGE` or `LENGTH_MISMATCH`.
 */
export function decodeRequest(text: string): Request {
  // Callers need not be checked by a compiler.
  if (typeof text !== 'string') return decodeWith(RequestLine, 'BAD_REQUEST', 'request', text);
  return readRequest(text);
}

/**
 * What {@link RequestLine} gives, or throws, in one pass over the line and without the codecs, which take
 * longer over a usual line than everything else that is done with it. Each part is read once, up to the
 * first that is wrong.
 */
function readRequest(text: string): Request {
  if (text.length > MAX_LINE_BYTES) throw rejection('request', tooLarge(text.length));
  const ends = fieldEnds(text);
  if (ends === undefined) throw rejection('request', { ...NO_LINE, received: printable(text) });
  const [endOfPool, endOfPriority, endOfVm, endOfA, endOfB] = ends;
  const pool = text.slice(0, endOfPool);
  if (pool !== 'A' && pool !== 'B') return refuseBy(PoolLetter, 'pool', pool);
  const digit = text.slice(endOfPool + 1, endOfPriority);
  const priority = readPriority(digit);
  if (priority === undefined) return refuseBy(PriorityDigit, 'priority', digit);
  const id = text.slice(endOfPriority + 1, endOfVm);
  const vm = readVmId(id);
  if (vm === undefined) return refuseBy(VmIdDecimal, 'vm', id);
  const a = readInt32List(text, endOfVm + 1, endOfA);
  if (!(a instanceof Int32Array)) throw rejection('a', a);
  const b = readInt32List(text, endOfA + 1, endOfB);
  if (!(b instanceof Int32Array)) throw rejection('b', b);
  if (a.length !== b.length) throw rejection('b', lengthMismatch(a, b));
  return { pool, priority, vm, a, b };
}

/** Where the five fields of a line end; undefined if there are not five. */
function fieldEnds(text: string): [number, number, number, number, number] | undefined {
  const pool = text.indexOf(COLON);
  const priority = pool < 0 ? -1 : text.indexOf(COLON, pool + 1);
  const vm = priority < 0 ? -1 : text.indexOf(COLON, priority + 1);
  const a = vm < 0 ? -1 : text.indexOf(COLON, vm + 1);
  const isOneMore = a < 0 || text.includes(COLON, a + 1);
  if (isOneMore) return undefined;
  const hasNewline = text.endsWith('\n');
  const end = text.length - (hasNewline ? (text.endsWith('\r\n') ? 2 : 1) : 0);
  return [pool, priority, vm, a, end];
}

/** Throws what a field's codec says of a text that it refuses. */
function refuseBy(codec: z.ZodMiniType<unknown, string>, field: string, text: string): never {
  decodeWith(codec, 'BAD_REQUEST', field, text);
  throw new Error(`expected that ${field} is refused`);
}

function rejection(field: string, refusal: Refusal & Pick<Rejection, 'received'>): ProtocolError {
  return new ProtocolError({ code: 'BAD_REQUEST', field, ...refusal });
}
/**
 * Writes a request line, newline included.
 *
 * @param request What a VM asks.
 * @throws ProtocolError with the code that a mediator would answer such a request with.
 *
 * @example
 * ```ts
 * import { encodeRequest } from '@vgpu/protocol';
 *
 * const [a, b] = [Int32Array.of(100), Int32Array.of(200)];
 * const line = encodeRequest({ pool: 'A', priority: 2, vm: 1, a, b });
 * console.log(JSON.stringify(line)); // "A:2:1:100:200\n"
 * ```
 */
export function encodeRequest(request: Request): string {
  return writeUsualRequest(request) ?? encodeWith(RequestLine, 'BAD_REQUEST', 'request', request);
}
