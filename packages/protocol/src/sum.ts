import type { Body } from './envelope.js';
import { rejection } from './envelope.js';
import { readInt32List } from './operands.js';

/** The body of a request for a sum: `b` is added to `a`, element by element as int32. */
export interface SumBody {
  /** The first vector. */
  readonly a: Int32Array;
  /** The second one, as long as the first. */
  readonly b: Int32Array;
}

export const lengthMismatch = (a: Int32Array, b: Int32Array) => ({
  code: 'LENGTH_MISMATCH' as const,
  field: 'b',
  expected: `as many numbers as in a (${a.length})`,
  received: String(b.length),
});

/**
 * Reads the body of a request for a sum: `a:b`, each a list of int32 numbers.
 *
 * @param body As `decodeEnvelope` gives it.
 * @throws ProtocolError `BAD_REQUEST`, `OUT_OF_RANGE` or `LENGTH_MISMATCH`.
 */
export function decodeSum({ text, start, middle, end }: Body): SumBody {
  const a = readInt32List(text, start, middle);
  if (!(a instanceof Int32Array)) throw rejection('a', a);
  const b = readInt32List(text, middle + 1, end);
  if (!(b instanceof Int32Array)) throw rejection('b', b);
  if (a.length !== b.length) throw rejection('b', lengthMismatch(a, b));
  return { a, b };
}
