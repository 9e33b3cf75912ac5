import type { QueueSample } from '../../src/http/page-events.js';

export const WINDOW_MS = 300_000;
/** Samples further apart than this have a gap between them, milliseconds. */
const GAP_MS = 5000;

/** Seconds since the epoch, and how many were queued of each priority then, highest first. */
export type Columns = [seconds: number[], ...queued: (number | null)[][]];

/** The length of the queue in the last minutes, also before a restart of the mediator. */
export class QueueHistory {
  #samples: QueueSample[] = [];

  /** Takes what the mediator knows of itself in the place of what was seen of it. */
  replaceBy(samples: readonly QueueSample[]): void {
    const fromMs = samples[0]?.atMs ?? Infinity;
    this.#samples = [...this.#samples.filter(({ atMs }) => atMs < fromMs), ...samples];
  }

  add(sample: QueueSample): void {
    const oldest = sample.atMs - WINDOW_MS - GAP_MS;
    this.#samples = this.#samples.filter(({ atMs }) => atMs > oldest && atMs < sample.atMs);
    this.#samples.push(sample);
  }

  /** The average of each interval of this many milliseconds: single values would be unreadable. */
  columns(everyMs: number): Columns {
    const columns: Columns = [[], [], [], []];
    let lastMs = Infinity;
    for (const group of groupsOf(this.#samples, everyMs)) {
      const atMs = group.at(-1)?.atMs ?? NaN;
      if ((group[0]?.atMs ?? NaN) - lastMs > GAP_MS)
        append(columns, lastMs + 1, [null, null, null]);
      append(
        columns,
        atMs,
        [0, 1, 2].map((level) => average(group, level)),
      );
      lastMs = atMs;
    }
    return columns;
  }
}

function groupsOf(samples: readonly QueueSample[], everyMs: number): Iterable<QueueSample[]> {
  const groups = new Map<number, QueueSample[]>();
  for (const sample of samples) {
    const number = Math.floor(sample.atMs / everyMs);
    const group = groups.get(number);
    if (group === undefined) groups.set(number, [sample]);
    else group.push(sample);
  }
  return groups.values();
}

function average(group: readonly QueueSample[], level: number): number {
  return group.reduce((sum, { queued }) => sum + (queued[level] ?? 0), 0) / group.length;
}

function append([seconds, ...levels]: Columns, atMs: number, queued: readonly (number | null)[]) {
  seconds.push(atMs / 1000);
  for (const [i, level] of levels.entries()) level.push(queued[i] ?? null);
}
