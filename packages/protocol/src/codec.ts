import * as z from 'zod/mini';
import { printable } from './printable.js';
import { ProtocolError, type ProtocolErrorCode, type Rejection } from './protocol-error.js';

/** The written side of a codec. */
export const Text = z.string('a string');

/** Why a step of a codec refuses its input. The code defaults to the caller's. */
export type Refusal = Pick<Rejection, 'expected'> & Partial<Rejection>;

/** Reports a refusal inside a codec and returns zod's value for "no result". */
export function refuse(ctx: z.core.ParsePayload, refusal: Refusal): never {
  ctx.issues.push({
    code: 'custom',
    input: ctx.value,
    message: refusal.expected,
    params: { received: show(ctx.value), ...refusal },
  });
  return z.NEVER;
}

/** Decodes with a codec; throws a {@link ProtocolError} for the first fault. */
export function decodeWith<C extends z.ZodMiniType>(
  codec: C,
  code: ProtocolErrorCode,
  what: string,
  input: z.input<C>,
): z.output<C> {
  return unwrap(z.safeDecode(codec, input), code, what, input);
}

/** The reverse of {@link decodeWith}: it never encodes a value that no decoder would accept. */
export function encodeWith<C extends z.ZodMiniType>(
  codec: C,
  code: ProtocolErrorCode,
  what: string,
  value: z.output<C>,
): z.input<C> {
  return unwrap(z.safeEncode(codec, value), code, what, value);
}

function unwrap<T>(
  result: z.core.util.SafeParseResult<T>,
  code: ProtocolErrorCode,
  what: string,
  input: unknown,
): T {
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new ProtocolError({
    code,
    field: issue === undefined || issue.path.length === 0 ? what : issue.path.join('.'),
    expected: issue?.message ?? 'something else',
    received: show(valueAt(input, issue?.path ?? [])),
    ...(issue?.code === 'custom' ? issue.params : {}),
  });
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null
        ? (inner as Record<PropertyKey, unknown>)[key]
        : inner,
    value,
  );
}

function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return printable(value);
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return 'an array';
      return ArrayBuffer.isView(value) ? typeOf(value) : 'an object';
    case 'bigint':
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
  }
}

/** Like `instanceof`, but also true for an array of another realm. */
export function isTypedArray(value: unknown, name: 'Int32Array' | 'Uint8Array'): boolean {
  return ArrayBuffer.isView(value) && typeOf(value) === name;
}

function typeOf(view: ArrayBufferView): string {
  return Object.prototype.toString.call(view).slice('[object '.length, -1);
}
