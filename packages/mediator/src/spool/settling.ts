import type { MediatorSettings } from '../settings.js';
import { MAX_TIMER_MS } from '../time.js';
import { isUntouched, type FileVersion } from './file-version.js';

/** Files watched at once per VM; more are looked at again by the sweep. */
const MAX_SIGHTINGS = 64;

interface Sighting {
  readonly file: FileVersion;
  readonly sinceMs: number;
  readonly timer: NodeJS.Timeout;
}

/**
 * Tells half-written requests from complete ones where no newline does: `A:2:1:100:2` is a valid
 * start of `A:2:1:100:200`. A file counts as complete once nothing has touched it for the settle
 * time, on the monotonic clock.
 */
export class Settling {
  readonly #settings: Pick<MediatorSettings, 'settleMs'>;
  readonly #recheck: (name: string) => void;
  readonly #sightings = new Map<string, Sighting>();

  /** @param recheck Called with a name when it is time to look at it again. */
  constructor(settings: Pick<MediatorSettings, 'settleMs'>, recheck: (name: string) => void) {
    this.#settings = settings;
    this.#recheck = recheck;
  }

  get size(): number {
    return this.#sightings.size;
  }

  /** Whether a file is observed until it has settled. */
  has(name: string): boolean {
    return this.#sightings.has(name);
  }

  /** Whether the file has been like this for the settle time; if not, it is looked at again. */
  isSettled(name: string, file: FileVersion): boolean {
    const before = this.#sightings.get(name);
    const now = performance.now();
    const sinceMs = before && isUntouched(before.file, file) ? before.sinceMs : now;
    const remainingMs = sinceMs + this.#settings.settleMs - now;
    this.forget(name);
    if (remainingMs <= 0) return true;
    if (this.#sightings.size >= MAX_SIGHTINGS) return false;
    // A timer may fire a little before its time, hence rounded up.
    const timer = setTimeout(this.#recheck, Math.min(Math.ceil(remainingMs), MAX_TIMER_MS), name);
    this.#sightings.set(name, { file, sinceMs, timer });
    return false;
  }

  forget(name: string): void {
    clearTimeout(this.#sightings.get(name)?.timer);
    this.#sightings.delete(name);
  }

  close(): void {
    for (const name of this.#sightings.keys()) this.forget(name);
  }
}
