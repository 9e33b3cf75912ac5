import { openSync } from 'node:fs';
import { errnoOf } from '@vgpu/linux';

/** File descriptors kept in reserve: request, response, directory listing and log, doubled. */
const SPARE_DESCRIPTORS = 8;

/**
 * Descriptors that are held while directories are opened, so that the directories leave enough for the files
 * in them; fewer if no more are available.
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
