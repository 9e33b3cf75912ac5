import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { PRIORITIES, type Priority } from '@vgpu/protocol';
import type { VgpuError } from '../../errors.js';
import type { LoadObserver } from './load.js';
import type { Sample } from './sample.js';
import { WaitBars } from './wait-bars.js';

/** Relative error of a recorded time: one in a thousand. */
const FIGURES = 3;

/** Errors with the same code. */
export interface ErrorKind {
  readonly count: number;
  /** The first one. */
  readonly example: VgpuError;
}

/** Counts of requests by result. */
export class Figures {
  sent = 0;
  answered = 0;
  /** Those that were withdrawn at the end of the load. */
  withdrawn = 0;
  readonly errors = new Map<string, ErrorKind>();
  /** Of requests with the right response. */
  readonly waits = new Times();

  add({ error, fromMs, untilMs }: Sample): void {
    if (error === undefined) {
      this.answered += 1;
      this.waits.add(untilMs - fromMs);
    } else if (error.code === 'ABORTED') {
      this.withdrawn += 1;
    } else {
      const kind = this.errors.get(error.code) ?? { count: 0, example: error };
      this.errors.set(error.code, { ...kind, count: kind.count + 1 });
    }
  }

  get failed(): number {
    return [...this.errors.values()].reduce((sum, { count }) => sum + count, 0);
  }

  /** Those in flight. */
  get underWay(): number {
    return this.sent - this.answered - this.withdrawn - this.failed;
  }
}

/** Quantiles of times, in bounded memory. */
export class Times {
  readonly #histogram: RecordableHistogram = createHistogram({ figures: FIGURES });

  add(ms: number): void {
    // It accepts only whole numbers from 1.
    this.#histogram.record(Math.max(1, Math.round(1000 * ms)));
  }

  /** In milliseconds; undefined if there is none. @param percent More than 0, at most 100. */
  percentile(percent: number): number | undefined {
    if (this.#histogram.count === 0) return undefined;
    const us = percent === 100 ? this.#histogram.max : this.#histogram.percentile(percent);
    return us / 1000;
  }
}

/** Counts a load, by priority and overall. */
export class Tally implements LoadObserver {
  readonly all = new Figures();
  /** How late requests were sent. */
  readonly late = new Times();
  readonly bars = new WaitBars();
  readonly #byPriority = new Map<Priority, Figures>();

  sent(priority: Priority): void {
    this.all.sent += 1;
    this.#of(priority).sent += 1;
  }

  done(sample: Sample): void {
    this.all.add(sample);
    this.#of(sample.priority).add(sample);
    this.late.add(sample.lateMs);
    if (sample.error === undefined) this.bars.add(sample.untilMs - sample.fromMs);
  }

  /** Priorities with requests, highest first. */
  byPriority(): readonly (readonly [Priority, Figures])[] {
    return PRIORITIES.flatMap((priority) => {
      const figures = this.#byPriority.get(priority);
      return figures === undefined ? [] : [[priority, figures] as const];
    });
  }

  #of(priority: Priority): Figures {
    const figures = this.#byPriority.get(priority) ?? new Figures();
    this.#byPriority.set(priority, figures);
    return figures;
  }
}
