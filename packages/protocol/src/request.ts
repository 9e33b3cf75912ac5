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
      /** Decides which devices may serve it. */
      pool: PoolLetter,
      /** 2 high, 1 medium, 0 low. */
      priority: PriorityDigit,
      /** The number of the requesting VM. */
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
 * A VM's request: add `b` to `a`, element by element as int32.
 *
 * @useDeclaredType
 */
export type Request = z.output<typeof Request>;

/**
 * The request line `pool:priority:vm:a:b\n` and its value. A carriage return before the newline
 * and a missing newline are tolerated when decoding; whether text without a newline is complete is
 * for the reader to decide. Otherwise each request has exactly one spelling.
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
 * Decodes a request line.
 *
 * @param text One character per byte (`latin1`), so that the limit counts bytes.
 * @throws ProtocolError `BAD_REQUEST`, `TOO_LARGE`, `OUT_OF_RANGE` or `LENGTH_MISMATCH`.
 */
export function decodeRequest(text: string): Request {
  // Callers without a type checker may pass anything.
  if (typeof text !== 'string') return decodeWith(RequestLine, 'BAD_REQUEST', 'request', text);
  return readRequest(text);
}

/**
 * Returns or throws the same as {@link RequestLine}, in one pass over the line and without the codecs: those
 * take longer for a usual line than the rest of its processing. Each part is read once, up to the first
 * fault.
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

/** The ends of the five fields of a line; undefined if it does not have five. */
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

/** Throws the error of a field's codec for a text that it refuses. */
function refuseBy(codec: z.ZodMiniType<unknown, string>, field: string, text: string): never {
  decodeWith(codec, 'BAD_REQUEST', field, text);
  throw new Error(`expected that ${field} is refused`);
}

function rejection(field: string, refusal: Refusal & Pick<Rejection, 'received'>): ProtocolError {
  return new ProtocolError({ code: 'BAD_REQUEST', field, ...refusal });
}
/**
 * Encodes a request line, newline included.
 *
 * @param request The VM's request.
 * @throws ProtocolError with the code of a mediator's response to such a request.
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
