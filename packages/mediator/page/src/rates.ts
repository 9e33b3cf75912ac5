import type { MediatorOverview } from '../../src/telemetry/snapshot.js';

/** Over so much time rates are taken, milliseconds. */
const OVER_MS = 5000;

/** How fast things go, per second. */
export interface Rates {
  readonly answered: number;
  readonly errors: number;
  /** The share of the time that each device was busy for. */
  readonly busy: readonly number[];
}

interface Totals {
  readonly uptimeMs: number;
  readonly answered: number;
  readonly errors: number;
  readonly busyMs: readonly number[];
}

/** Takes rates from snapshots that come one after the other. */
export class RateMeter {
  #seen: Totals[] = [];

  take(snapshot: MediatorOverview): Rates {
    const now = totalsOf(snapshot);
    const last = this.#seen.at(-1);
    // Another mediator counts from zero.
    if (last !== undefined && last.uptimeMs > now.uptimeMs) this.#seen = [];
    this.#seen = [...this.#seen.filter(({ uptimeMs }) => now.uptimeMs - uptimeMs <= OVER_MS), now];
    const first = this.#seen[0] ?? now;
    const elapsedMs = now.uptimeMs - first.uptimeMs;
    const per = (difference: number) => (elapsedMs === 0 ? 0 : difference / elapsedMs);
    return {
      answered: 1000 * per(now.answered - first.answered),
      errors: 1000 * per(now.errors - first.errors),
      busy: now.busyMs.map((busyMs, i) => per(busyMs - (first.busyMs[i] ?? 0))),
    };
  }
}

function totalsOf({ uptimeMs, totals, devices }: MediatorOverview): Totals {
  return {
    uptimeMs,
    answered: totals.answered,
    errors: totals.errors,
    busyMs: devices.map(({ busyMs }) => busyMs),
  };
}
