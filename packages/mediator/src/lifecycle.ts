import type { Phase } from './telemetry/snapshot.js';

/**
 * The phase of a mediator, and those who wait for something.
 *
 * - `new`: made; nothing is open. `start()` leads to *serving*.
 * - `serving`: requests are taken in and computed. `drain()` leads to *draining*.
 * - `draining`: what is queued is computed, nothing more is taken in.
 * - `stopping`: what is on a device is finished. `stop()` leads here from each of the others, and nothing
 *   leads away.
 */
export class Lifecycle {
  readonly #looks = new Set<() => boolean>();
  #phase: Phase = 'new';

  get phase(): Phase {
    return this.#phase;
  }

  enter(phase: Phase): void {
    this.#phase = phase;
  }

  /** Whether requests are taken in. */
  get isAdmitting(): boolean {
    return this.#phase === 'serving';
  }

  /** Whether requests are computed. */
  get isServing(): boolean {
    return this.#phase === 'serving' || this.#phase === 'draining';
  }

  get isStopping(): boolean {
    return this.#phase === 'stopping';
  }

  /** Resolves when a condition holds: now, or when {@link look} finds it so. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#looks.add(() => {
        const holds = condition();
        if (holds) resolve();
        return holds;
      });
      this.look();
    });
  }

  /** To be called when a condition may have come to hold. */
  look(): void {
    for (const holds of this.#looks) {
      if (holds()) this.#looks.delete(holds);
    }
  }
}
