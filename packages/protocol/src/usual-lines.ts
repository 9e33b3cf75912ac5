import { MAX_LINE_BYTES } from './max-line-bytes.js';
import { writeInt32List } from './operands.js';

// The usual lines are encoded without the codecs: those take longer for a line than the rest of its
// processing. For any other value these functions return undefined, and the codecs decide about it and name
// the fault. A result is the same as that of the codecs.

interface Sum {
  readonly sum: Int32Array;
}

interface SumRequest {
  readonly pool: string;
  readonly priority: number;
  readonly vm: number;
  readonly a: Int32Array;
  readonly b: Int32Array;
}

/** The line of a request. */
export function writeUsualRequest(request: SumRequest): string | undefined {
  if (!isObject(request)) return undefined;
  const { pool, priority, vm, a, b } = request;
  const [letter, digit]: unknown[] = [pool, priority];
  const isSomebody =
    (letter === 'A' || letter === 'B') &&
    (digit === 0 || digit === 1 || digit === 2) &&
    Number.isInteger(vm) &&
    vm >= 1 &&
    vm <= 0xffff_ffff;
  if (!isSomebody || !isList(a) || !isList(b) || a.length !== b.length) return undefined;
  const line = `${pool}:${priority}:${vm}:${writeInt32List(a)}:${writeInt32List(b)}\n`;
  return line.length > MAX_LINE_BYTES ? undefined : line;
}

/** The line of a sum. */
export function writeUsualAnswer(answer: Sum | { readonly code: string }): string | undefined {
  if (!isObject(answer) || !('sum' in answer) || !isList(answer.sum)) return undefined;
  const line = `${writeInt32List(answer.sum)}\n`;
  return line.length > MAX_LINE_BYTES ? undefined : line;
}

// Callers without a type checker may pass anything.
const isObject = (value: unknown) => typeof value === 'object' && value !== null;
const isList = (value: unknown) => value instanceof Int32Array && value.length > 0;
