import { ProtocolError } from '@vgpu/protocol';
import * as fc from 'fast-check';

/** The longest line, 64 KiB, by the specification. */
export const LIMIT = 65_536;

const MIN = -2_147_483_648;
const MAX = 2_147_483_647;

/** The ProtocolError of a call; fails if it throws none, or another error. */
export function rejectionOf(call: () => unknown): ProtocolError {
  const { error, value } = attempt(call);
  if (error === undefined) throw new Error(`nothing was thrown, but ${String(value)} returned`);
  return error;
}

/** The result or the ProtocolError of a call; fails if it throws another error. */
export function attempt<T>(
  call: () => T,
): { value: T; error?: undefined } | { value?: undefined; error: ProtocolError } {
  try {
    return { value: call() };
  } catch (error) {
    if (error instanceof ProtocolError) return { error };
    throw error;
  }
}

export const int32 = fc.oneof(
  fc.constantFrom(MIN, MIN + 1, -10, -1, 0, 1, 10, MAX - 1, MAX),
  fc.integer({ min: MIN, max: MAX }),
);

export const vmId = fc.oneof(
  fc.constantFrom(1, 9, 10, 2_147_483_648, 4_294_967_294, 4_294_967_295),
  fc.integer({ min: 1, max: 4_294_967_295 }),
);

export const identity = fc.record({
  pool: fc.constantFrom('A' as const, 'B' as const),
  priority: fc.constantFrom(0 as const, 1 as const, 2 as const),
  vm: vmId,
});

const shortPair = fc
  .array(fc.tuple(int32, int32), { minLength: 1, maxLength: 12 })
  .map((pairs) => ({
    a: Int32Array.from(pairs, ([a]) => a),
    b: Int32Array.from(pairs, ([, b]) => b),
  }));

/** Up to the most numbers of the longest line; drawn from a seed, because they are many. */
const longPair = fc
  .record({
    digits: fc.integer({ min: 1, max: 10 }),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
    seed: fc.integer(),
  })
  .map(({ digits, part, seed }) => {
    const most = Math.floor((LIMIT - 30) / 2 / (digits + 2));
    const length = Math.max(1, Math.round(part * most));
    const draw = numbers(seed, Math.min(10 ** digits - 1, MAX));
    return { a: new Int32Array(length).map(draw), b: new Int32Array(length).map(draw) };
  });

/** Two vectors of one length, short or up to the longest that a line can hold. */
export const pair = fc.oneof({ weight: 9, arbitrary: shortPair }, longPair);

export const request = fc.tuple(identity, pair).map(([who, operands]) => ({ ...who, ...operands }));

export const slotId = fc
  .array(fc.constantFrom(...Array.from('ABCMYZabcmyz0189_-')), { minLength: 1, maxLength: 64 })
  .map((characters) => characters.join(''));

export const slot = fc.oneof(
  fc.constant({ kind: 'plain' as const }),
  slotId.map((id) => ({ kind: 'named' as const, id })),
);

/** Text that people may read: one line of printable ASCII, colons and spaces included. */
export const printableText = fc
  .array(
    fc.oneof(
      fc.constantFrom(':', ' ', 'ERROR:', ',', '\\n'),
      fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
    ),
    { maxLength: 200 },
  )
  .map((pieces) => pieces.join(''));

/** Texts that a careless reader is likely to accept. */
const TRICKY = [
  ...Array.from('0123456789:,-+ \r\n\t\0.ABCabxe_"\\/\x1f\x7f\u00e9\u0663\u2028\ufeff\ud83d'),
  '::',
  ',,',
  '00',
  '-0',
  '--1',
  '0x1',
  '1e3',
  '1.0',
  '\r\n',
  '\n\n',
  '0,',
  ',0',
  '2147483647',
  '2147483648',
  '-2147483648',
  '-2147483649',
  '4294967295',
  '4294967296',
  '9007199254740993',
  '99999999999999999999999999',
];

/** A valid text after a few edits: pieces inserted, replaced, removed or repeated. */
export function mutated(valid: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const edit = fc.record({
    at: fc.nat(),
    length: fc.nat({ max: 3 }),
    piece: fc.oneof({ weight: 4, arbitrary: fc.constantFrom('', ...TRICKY) }, fc.string()),
    again: fc.boolean(),
  });
  return fc.tuple(valid, fc.array(edit, { minLength: 1, maxLength: 3 })).map(([text, edits]) =>
    edits.reduce((current, { at, length, piece, again }) => {
      const from = at % (current.length + 1);
      const removed = current.slice(from, from + length);
      const inserted = again ? removed + piece + removed : piece;
      return current.slice(0, from) + inserted + current.slice(from + length);
    }, text),
  );
}

/** Any text, and any bytes as latin1, of up to 70 000 characters. */
export const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ maxLength: 200 }),
  fc.constantFrom(...TRICKY),
  fc
    .uint8Array({ maxLength: 300 })
    .map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')),
  fc
    .tuple(
      fc.constantFrom('', 'A:2:1:', 'A:2:1:1:', 'ERROR:', 'ERROR:DEADLINE:', 'request-', 'vm', '-'),
      fc.oneof(fc.constantFrom(...TRICKY), fc.string({ unit: 'binary', minLength: 1 })),
      fc.integer({ min: 1, max: 70_000 }),
    )
    .map(([start, piece, length]) => (start + piece.repeat(length)).slice(0, length)),
);

/** Values of every other type, for callers without types. */
export const anyValue = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
});

/** Numbers from -max to max; the same ones for the same seed (mulberry32). */
function numbers(seed: number, max: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    const uint32 = (mixed ^ (mixed >>> 14)) >>> 0;
    return (uint32 % (2 * max + 1)) - max;
  };
}
