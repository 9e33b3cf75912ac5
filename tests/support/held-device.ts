import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestRoot } from './processes.js';

const PRELOADED = new URL('held-device-preload.mjs', import.meta.url).href;

/**
 * The device of the mediators that are started on a root: whatever is on it stays there until it is
 * released, however slow the machine is. Afterwards it is a common one.
 */
export class HeldDevice {
  readonly #file: string;

  constructor(root: TestRoot) {
    this.#file = join(root.base, 'released');
    root.launch = { env: { NODE_OPTIONS: `--import=${PRELOADED}`, HELD_DEVICE: this.#file } };
  }

  release(): void {
    writeFileSync(this.#file, '');
  }
}
