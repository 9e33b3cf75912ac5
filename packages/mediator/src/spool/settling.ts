import type { MediatorSettings } from '../settings.js';
import { MAX_TIMER_MS } from '../time.js';
import { isUntouched, type FileVersion } from './file-version.js';

/** Files observed at once per VM; further ones are read again by the next scan. */
const MAX_OBSERVED = 64;

interface Observation {
  readonly file: FileVersion;
  readonly sinceMs: number;
  readonly timer: NodeJS.Timeout;
}

/**
 * Tells half-written requests from complete ones if the newline is missing: `A:2:1:100:2` is a valid
 * start of `A:2:1:100:200`. A file counts as complete once it has not changed for the settle time, on the
 * monotonic clock.
 */
export class Settling {
  readonly #settings: Pick<MediatorSettings, 'settleMs'>;
  readonly #recheck: (name: string) => void;
  readonly #observed = new Map<string, Observation>();

  /** @param recheck Called with a name when its file is to be read again. */
  constructor(settings: Pick<MediatorSettings, 'settleMs'>, recheck: (name: string) => void) {
    this.#settings = settings;
    this.#recheck = recheck;
  }

  get size(): number {
    return this.#observed.size;
  }

  /** Whether a file is observed until it has settled. */
  has(name: string): boolean {
    return this.#observed.has(name);
  }

  /** Whether the file has not changed for the settle time; if it has, `recheck` is called later. */
  isSettled(name: string, file: FileVersion): boolean {
    const before = this.#observed.get(name);
    const now = performance.now();
    const sinceMs = before && isUntouched(before.file, file) ? before.sinceMs : now;
    const remainingMs = sinceMs + this.#settings.settleMs - now;
    this.forget(name);
    if (remainingMs <= 0) return true;
    if (this.#observed.size >= MAX_OBSERVED) return false;
    // A timer may fire slightly early, so the time is rounded up.
    const timer = setTimeout(this.#recheck, Math.min(Math.ceil(remainingMs), MAX_TIMER_MS), name);
    this.#observed.set(name, { file, sinceMs, timer });
    return false;
  }

  forget(name: string): void {
    clearTimeout(this.#observed.get(name)?.timer);
    this.#observed.delete(name);
  }

  close(): void {
    for (const name of this.#observed.keys()) this.forget(name);
  }
}
