import * as z from 'zod/mini';
import { encodeWith, refuse, Text } from './codec.js';
import { decodeEnvelope, fieldEnds, NO_LINE, tooLarge } from './envelope.js';
import { PoolLetter, PriorityDigit, VmIdDecimal } from './identity.js';
import { MAX_LINE_BYTES } from './max-line-bytes.js';
import { Int32List } from './operands.js';
import { decodeSum, lengthMismatch } from './sum.js';
import { writeUsualRequest } from './usual-lines.js';

const FIELDS = ['pool', 'priority', 'vm', 'a', 'b'] as const;

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
  const { pool, priority, vm, body } = decodeEnvelope(text);
  return { pool, priority, vm, ...decodeSum(body) };
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
