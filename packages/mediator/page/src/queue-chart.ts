import uPlot from 'uplot';
import { count, NONE, time } from './format.js';
import { byId, setText } from './dom.js';
import { WINDOW_MS, type Columns, type QueueHistory } from './queue-history.js';

const LEVELS = ['high', 'medium', 'low'] as const;
const HEIGHT = 220;
const MINUTE_S = 60;
/** A value has so much room at least, and stands for so much time at least. */
const PIXELS_PER_VALUE = 4;
const MIN_EVERY_MS = 2000;
/** The least that the vertical axis goes up to. */
const MIN_TOP = 4;
const WHOLE_STEPS = [0, 1, 2, 3, 4, 5].flatMap((n) => [1, 2, 5].map((digit) => digit * 10 ** n));

/**
 * The queue over time, one priority on top of the other, the highest at the bottom. The legend beside it
 * says how many there are now, or were where the pointer is.
 */
export class QueueChart {
  readonly #element = byId('chart', HTMLElement);
  readonly #plot: uPlot;
  /** What is shown, and how many are queued now. */
  #columns: Columns = [[], [], [], []];
  #now: readonly number[] = [];

  constructor() {
    this.#plot = new uPlot(this.#options(), [[]], this.#element);
    new ResizeObserver(() => {
      this.#plot.setSize({ width: this.#element.clientWidth, height: HEIGHT });
    }).observe(this.#element);
  }

  show(history: QueueHistory, now: readonly number[]): void {
    const everyMs = (WINDOW_MS * PIXELS_PER_VALUE) / this.#element.clientWidth;
    const columns = history.columns(Math.max(everyMs, MIN_EVERY_MS));
    this.#columns = columns;
    this.#now = now;
    const [seconds, high = [], medium = [], low = []] = columns;
    const untilMedium = high.map((queued, i) => plus(queued, medium[i]));
    const all = untilMedium.map((queued, i) => plus(queued, low[i]));
    this.#plot.setData([seconds, all, untilMedium, high]);
    this.#showValues();
  }

  /** After the colours have changed. */
  redraw(): void {
    this.#plot.redraw();
  }

  #showValues(): void {
    const [seconds, ...levels] = this.#columns;
    const { idx } = this.#plot.cursor;
    const at = typeof idx === 'number' ? seconds[idx] : undefined;
    for (const [i, level] of LEVELS.entries()) {
      const queued = at === undefined ? this.#now[i] : levels[i]?.[idx ?? 0];
      const text = typeof queued === 'number' ? count(queued) : NONE;
      setText(byId(`queue-${level}`, HTMLElement), text);
    }
    const when = at === undefined ? 'the last five minutes' : `at ${time(1000 * at)}`;
    setText(byId('queue-time', HTMLElement), when);
  }

  #options(): uPlot.Options {
    const color = (selector: string, property: 'color' | 'borderTopColor' = 'color') => {
      const element = document.querySelector(selector) ?? this.#element;
      return getComputedStyle(element)[property];
    };
    const line = (level: string): uPlot.Series => ({
      stroke: () => color(`.legend .${level} .swatch`),
      fill: () => color(`.legend .${level} .swatch`, 'borderTopColor'),
      width: 1,
      points: { show: false },
      ...(uPlot.paths.stepped && { paths: uPlot.paths.stepped({ align: 1 }) }),
    });
    const axis: uPlot.Axis = {
      stroke: () => color('.chart'),
      grid: { stroke: () => color('.chart', 'borderTopColor'), width: 1 },
      ticks: { show: false },
      font: '12px system-ui, sans-serif',
    };
    return {
      width: this.#element.clientWidth,
      height: HEIGHT,
      padding: [8, 20, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { show: false } },
      scales: {
        x: {
          range: (_plot, _least, latest) => {
            const until = Number.isFinite(latest) ? latest : Date.now() / 1000;
            return [until - WINDOW_MS / 1000, until];
          },
        },
        y: { range: (_plot, _least, most) => [0, Math.max(MIN_TOP, 1.1 * (most || 0))] },
      },
      axes: [
        { ...axis, incrs: [MINUTE_S], values: '{HH}:{mm}', space: 40, size: 22 },
        { ...axis, incrs: WHOLE_STEPS, size: 44, values: (_plot, ticks) => ticks.map(count) },
      ],
      series: [{}, line('low'), line('medium'), line('high')],
      bands: [{ series: [1, 2] }, { series: [2, 3] }],
      hooks: {
        setCursor: [
          () => {
            this.#showValues();
          },
        ],
      },
    };
  }
}

function plus(a: number | null, b: number | null | undefined): number | null {
  return a === null ? null : a + (b ?? 0);
}
