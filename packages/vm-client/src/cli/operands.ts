import * as z from 'zod/mini';
import { Int32List, printable, type Rejection } from '@vgpu/protocol';
import type { Operands } from '../client.js';
import { VgpuError } from '../errors.js';
import { misuseOf } from './arguments.js';

/**
 * Understands the operands of a command line: two decimal int32, or two lists of them.
 *
 * @throws VgpuError `USAGE`, `BAD_REQUEST` or `OUT_OF_RANGE`.
 */
export function parseOperands(texts: readonly string[]): Operands {
  const [a, b] = texts;
  if (a === undefined || b === undefined || texts.length > 2) {
    throw misuseOf('vgpu-vm-client', `expected two operands, got ${texts.length}`);
  }
  return { a: parseOperand('a', a), b: parseOperand('b', b) };
}

function parseOperand(name: string, text: string): Int32Array {
  const result = z.safeDecode(Int32List, text);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const { code = 'BAD_REQUEST', received = printable(text) }: Partial<Rejection> =
    issue?.code === 'custom' ? (issue.params ?? {}) : {};
  if (code === 'BAD_NAME') throw result.error;
  throw new VgpuError(code, `${name}: expected ${issue?.message ?? 'an int32'}, got ${received}`);
}
