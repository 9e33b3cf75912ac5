import { openSync } from 'node:fs';
import { errnoOf } from '@vgpu/linux';

/** A request and an answer, a directory that is listed, a log, and as many again. */
const SPARE_DESCRIPTORS = 8;

/**
 * Descriptors that are held while directories are opened, so that those do not take what the files in
 * them need; fewer where there are no more.
 */
export function openSpare(): number[] {
  const spare: number[] = [];
  try {
    while (spare.length < SPARE_DESCRIPTORS) spare.push(openSync('/dev/null', 'r'));
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
  return spare;
}
