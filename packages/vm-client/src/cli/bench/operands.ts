import type { Operands } from '../../client.js';

/** Vectors of this length fit into a request whatever their values are. */
export const MAX_VECTOR_LENGTH = 2700;

/** Vectors of random int32, so that the response to another request would be noticed. */
export const randomOperands = (length: number): Operands => ({
  a: Int32Array.from({ length }, randomInt32),
  b: Int32Array.from({ length }, randomInt32),
});

/** Whether this is their sum, which wraps like an int32. */
export const isSum = (sum: Int32Array, { a, b }: Operands): boolean =>
  sum.length === a.length && a.every((value, i) => ((value + (b[i] ?? 0)) | 0) === sum[i]);

const randomInt32 = () => Math.trunc((Math.random() - 0.5) * 2 ** 32);
