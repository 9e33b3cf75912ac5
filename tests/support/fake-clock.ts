import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TestRoot } from './processes.js';

export const HOUR_MS = 3_600_000;

const PRELOADED = pathToFileURL(join(import.meta.dirname, 'fake-clock-preload.mjs')).href;

/** The wall clock of the mediators that are started on a root; see `fake-clock-preload.mjs`. */
export class FakeClock {
  readonly #file: string;

  constructor(root: TestRoot) {
    this.#file = join(root.base, 'clock');
    this.shift(0);
    root.launch = { env: { NODE_OPTIONS: `--import=${PRELOADED}`, FAKE_CLOCK: this.#file } };
  }

  /** Sets it to this many milliseconds before (negative) or after the real time. */
  shift(ms: number): void {
    writeFileSync(`${this.#file}.new`, String(ms));
    renameSync(`${this.#file}.new`, this.#file);
  }
}
