import type { Answer } from './answer.js';
import { MAX_LINE_BYTES } from './max-line-bytes.js';
import { readInt32List, writeInt32List } from './operands.js';
import type { Request } from './request.js';

// The usual lines, without the codecs, which take longer over a line than everything else that is done
// with it. What is not exactly as usual gives undefined here: the codecs decide about it, and say what
// is wrong with it. Where there is a result, it is theirs.

const REQUEST = /^([AB]):([012]):([1-9][0-9]{0,9}):([^:\n]*):([^:\n]*)\n$/;

/** The request that a line holds. */
export function readUsualRequest(text: string): Request | undefined {
  if (!isLine(text)) return undefined;
  const [, pool, priority, vm, listA, listB] = REQUEST.exec(text) ?? [];
  if (listA === undefined || listB === undefined || Number(vm) > 0xffff_ffff) return undefined;
  const a = readInt32List(listA);
  const b = readInt32List(listB);
  if (a === undefined || b === undefined) return undefined;
  if (a.length !== b.length) return undefined;
  return {
    pool: pool as Request['pool'],
    priority: Number(priority) as Request['priority'],
    vm: Number(vm),
    a,
    b,
  };
}

/** The line of a request. */
export function writeUsualRequest(request: Request): string | undefined {
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

/** The sum that a line holds. */
export function readUsualAnswer(text: string): Answer | undefined {
  if (!isLine(text) || !text.endsWith('\n')) return undefined;
  const sum = readInt32List(text.slice(0, -1));
  return sum && { sum };
}

/** The line of a sum. */
export function writeUsualAnswer(answer: Answer): string | undefined {
  if (!isObject(answer) || !('sum' in answer) || !isList(answer.sum)) return undefined;
  const line = `${writeInt32List(answer.sum)}\n`;
  return line.length > MAX_LINE_BYTES ? undefined : line;
}

// Callers need not be checked by a compiler.
const isLine = (value: unknown) => typeof value === 'string' && value.length <= MAX_LINE_BYTES;
const isObject = (value: unknown) => typeof value === 'object' && value !== null;
const isList = (value: unknown) => value instanceof Int32Array && value.length > 0;
