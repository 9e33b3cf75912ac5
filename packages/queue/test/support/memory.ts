import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

export const collectGarbage = runInNewContext('gc') as () => void;

/** The memory that compiled code and the test framework may take meanwhile. A leaking queue keeps more. */
export const NOISE_BYTES = 500_000;

/** Bytes in use, with those of typed arrays. */
export function usedMemory(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
