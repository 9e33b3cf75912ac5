import type * as z from 'zod/mini';
import { decodeWith, type Refusal, Text } from './codec.js';
import { PoolLetter, PriorityDigit, readPriority, readVmId, VmIdDecimal } from './identity.js';
import type { Pool, Priority } from './identity.js';
import { MAX_LINE_BYTES } from './max-line-bytes.js';
import { printable } from './printable.js';
import { ProtocolError, type Rejection } from './protocol-error.js';

const COLON = ':';
export const NO_LINE = { expected: 'one line of five fields, pool:priority:vm:a:b' };
export const tooLarge = (length: number) => ({
  code: 'TOO_LARGE' as const,
  expected: `at most ${MAX_LINE_BYTES} bytes`,
  received: `${length} bytes`,
});

/** What a request asks for: the kind tells which codec reads its {@link Body}. */
export type BodyKind = 'sum';

/** The last two fields of a request line, which no codec has read yet. */
export interface Body {
  /** The whole line. */
  readonly text: string;
  /** Where the fourth field begins. */
  readonly start: number;
  /** Where it ends, at a colon. */
  readonly middle: number;
  /** Where the fifth field ends. */
  readonly end: number;
}

/** Who asks, and for what kind of thing: what a request line says without its body. */
export interface Envelope {
  /** Which devices may serve it. */
  readonly pool: Pool;
  /** 2 high, 1 medium, 0 low. */
  readonly priority: Priority;
  /** The number of the VM that asks. */
  readonly vm: number;
  /** Which codec reads the body: {@link decodeSum} for `sum`. */
  readonly kind: BodyKind;
  /** For that codec. */
  readonly body: Body;
}

/**
 * Reads the first three fields of a request line. Each part of a line is read once, up to the first that is
 * wrong, and without the zod codecs, which take longer over a line than everything else that is done with it.
 *
 * @param text One character per byte (`latin1`), so that the limit counts bytes.
 * @throws ProtocolError `BAD_REQUEST` or `TOO_LARGE`.
 */
export function decodeEnvelope(text: string): Envelope {
  // Callers need not be checked by a compiler.
  if (typeof text !== 'string') return refuseBy(Text, 'request', text);
  if (text.length > MAX_LINE_BYTES) throw rejection('request', tooLarge(text.length));
  const ends = fieldEnds(text);
  if (ends === undefined) throw rejection('request', { ...NO_LINE, received: printable(text) });
  const [endOfPool, endOfPriority, endOfVm, middle, end] = ends;
  const pool = text.slice(0, endOfPool);
  if (pool !== 'A' && pool !== 'B') return refuseBy(PoolLetter, 'pool', pool);
  const digit = text.slice(endOfPool + 1, endOfPriority);
  const priority = readPriority(digit);
  if (priority === undefined) return refuseBy(PriorityDigit, 'priority', digit);
  const id = text.slice(endOfPriority + 1, endOfVm);
  const vm = readVmId(id);
  if (vm === undefined) return refuseBy(VmIdDecimal, 'vm', id);
  return { pool, priority, vm, kind: 'sum', body: { text, start: endOfVm + 1, middle, end } };
}

/** Where the five fields of a line end; undefined if there are not five. */
export function fieldEnds(text: string): [number, number, number, number, number] | undefined {
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

/** The error that a part of a line leads to. */
export function rejection(
  field: string,
  refusal: Refusal & Pick<Rejection, 'received'>,
): ProtocolError {
  return new ProtocolError({ code: 'BAD_REQUEST', field, ...refusal });
}
