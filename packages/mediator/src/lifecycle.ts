import type { Phase } from './telemetry/snapshot.js';

/**
 * The phase of a mediator, and the conditions that are waited for.
 *
 * - `new`: made, not open. `start()` leads to *serving*.
 * - `serving`: requests are admitted and computed. `drain()` leads to *draining*.
 * - `draining`: queued requests are computed, no more are admitted.
 * - `stopping`: requests on devices are finished. `stop()` leads here from every other phase; this is the
 *   last one.
 */
export class Lifecycle {
  readonly #conditions = new Set<() => boolean>();
  #phase: Phase = 'new';

  get phase(): Phase {
    return this.#phase;
  }

  enter(phase: Phase): void {
    this.#phase = phase;
  }

  /** Whether requests are admitted. */
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

  /** Resolves when a condition holds: now, or at a later {@link check}. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#conditions.add(() => {
        const holds = condition();
        if (holds) resolve();
        return holds;
      });
      this.check();
    });
  }

  /** Must be called when a condition may have become true. */
  check(): void {
    for (const holds of this.#conditions) {
      if (holds()) this.#conditions.delete(holds);
    }
  }
}
