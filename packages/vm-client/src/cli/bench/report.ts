import { priorityName } from '@vgpu/protocol';
import { type Column, textTable } from '@vgpu/protocol/cli';
import type { Figures, Tally, Times } from './figures.js';
import type { LoadPlan } from './load.js';
import type { WaitBar } from './wait-bars.js';

/** By their names in JSON. */
const PERCENTS = { p50: 50, p90: 90, p99: 99, p999: 99.9, max: 100 } as const;
const BAR_WIDTH = 40;

/** The result of a load. */
export interface Outcome {
  readonly plan: LoadPlan;
  readonly elapsedMs: number;
  /** Whether a signal ended it. */
  readonly wasCut: boolean;
  readonly tally: Tally;
}

/** For people: a table, a histogram, and how late requests were sent. */
export function textOf(outcome: Outcome): string {
  const { plan, elapsedMs, wasCut, tally } = outcome;
  const { all, bars } = tally;
  const priorities = tally
    .byPriority()
    .map(([priority, figures]) => rowOf(priorityName(priority), figures, outcome));
  const parts = [
    `${titleOf(plan)}: ${seconds(elapsedMs)} s${wasCut ? ', cut short by a signal' : ''}`,
    table([...priorities, rowOf('all', all, outcome)]),
    table(errorRows(all)),
    histogram(bars.bars(), all.answered),
    'inFlight' in plan.pace ? '' : lateness(tally.late),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** For programs, on one line: documented in the README. */
export function jsonOf({ plan, elapsedMs, wasCut, tally }: Outcome): string {
  return JSON.stringify({
    vms: plan.vms.length,
    ...plan.pace,
    size: plan.size,
    seconds: Number(seconds(elapsedMs)),
    wasCut,
    all: figuresAsJson(tally.all, elapsedMs),
    priorities: tally
      .byPriority()
      .map(([priority, figures]) => ({ priority, ...figuresAsJson(figures, elapsedMs) })),
    lateMs: percentiles(tally.late),
    histogram: tally.bars.bars(),
  });
}

function rowOf(name: string, figures: Figures, { elapsedMs, wasCut }: Outcome): Row {
  const waits = Object.entries(PERCENTS).map(([key, percent]) => [
    `${key.replace('999', '99.9')} ms`,
    shown(figures.waits.percentile(percent)),
  ]);
  return {
    priority: name,
    sent: String(figures.sent),
    answered: String(figures.answered),
    errors: String(figures.failed),
    ...(wasCut && { withdrawn: String(figures.withdrawn) }),
    '/s': rate(figures, elapsedMs).toFixed(1),
    ...(Object.fromEntries(waits) as Row),
  };
}

const errorRows = ({ errors }: Figures): Row[] =>
  [...errors].map(([code, { count, example }]) => ({
    error: code,
    requests: String(count),
    'the first one': example.message,
  }));

const lateness = (late: Times) =>
  `Sent late: p99 ${shown(late.percentile(99))} ms, at most ${shown(late.percentile(100))} ms.`;

function titleOf({ vms, pace, size }: LoadPlan): string {
  const who = vms.length === 1 ? `VM ${vms[0]?.vm ?? 0}` : `${vms.length} VMs`;
  const how =
    'inFlight' in pace
      ? `${pace.inFlight} in flight`
      : `${pace.perSecond} requests/s (${pace.arrivals})`;
  const each = vms.length === 1 ? '' : ' each';
  return `${who}, ${how}${each}, ${size === 1 ? 'numbers' : `vectors of ${size}`}`;
}

function histogram(bars: readonly WaitBar[], all: number): string {
  const most = Math.max(...bars.map(({ count }) => count));
  return table(
    bars.map(({ toMs, count }) => ({
      wait: `< ${toMs} ms`,
      requests: String(count),
      '%': ((100 * count) / all).toFixed(1),
      '': '#'.repeat(Math.ceil((BAR_WIDTH * count) / most)),
    })),
  );
}

function figuresAsJson(figures: Figures, elapsedMs: number) {
  const { sent, answered, withdrawn, errors, waits } = figures;
  return {
    sent,
    answered,
    withdrawn,
    errors: Object.fromEntries([...errors].map(([code, { count }]) => [code, count])),
    perSecond: Number(rate(figures, elapsedMs).toFixed(3)),
    waitMs: percentiles(waits),
  };
}

/** Null where there is no time. */
const percentiles = (times: Times) =>
  Object.fromEntries(
    Object.entries(PERCENTS).map(([name, percent]) => [name, times.percentile(percent) ?? null]),
  );

const rate = ({ answered }: Figures, elapsedMs: number) => (1000 * answered) / elapsedMs;
const seconds = (ms: number) => (ms / 1000).toFixed(1);
const shown = (ms: number | undefined) => (ms === undefined ? '-' : ms.toFixed(ms < 10 ? 2 : 1));

/** Texts by the heading of their column. */
type Row = Readonly<Record<string, string>>;

/** A table of all columns that a row has, numbers to the right; empty without rows. */
export function table(rows: readonly Row[]): string {
  const headings = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const columns = headings.map((heading): Column => {
    const texts = rows.map((row) => row[heading] ?? '');
    const isNumeric = texts.every((text) => /^(?:[\d.]+|-|)$/.test(text)) && heading !== '';
    return isNumeric ? [heading, 'right'] : [heading];
  });
  return textTable(
    columns,
    rows.map((row) => headings.map((heading) => row[heading] ?? '')),
  ).join('\n');
}
