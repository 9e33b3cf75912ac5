// The results of a soak: tables and ratios like those of the benchmarks, and the verdict.
import { priorityName } from '@vgpu/protocol';
import { median, rounded } from '../lib/measured.mjs';
import { RECOVERY_MS } from './soak.mjs';

/** @typedef {import('./soak.mjs').Findings} Findings */
/** @typedef {import('../../packages/vm-client/dist/cli/bench/figures.js').Figures} Figures */

/** The requests that no restart has delayed. */
const LATER = `later than ${RECOVERY_MS / 1000} s after a start`;
/** The number of lives at the start and at the end that are compared, if there are that many. */
const ENDS = 5;

/** @param {Findings} findings @returns {import('../lib/measured.mjs').Measured} */
export function measured(findings) {
  const { lives, whole, served, vms, seconds, kills } = findings;
  const growth = lives.map(({ warmMiB, endMiB }) => endMiB / warmMiB).filter(Number.isFinite);
  const ends = lives.map(({ endMiB }) => endMiB).filter(Number.isFinite);
  const aged =
    ends.length < 2 * ENDS ? NaN : median(ends.slice(-ENDS)) / median(ends.slice(0, ENDS));
  return {
    tables: [
      {
        title: `Soak of ${minutes(seconds)} with ${vms} VMs and a hostile one, ${kills} kills`,
        rows: [counts(findings)],
      },
      {
        title: 'Waits, milliseconds',
        rows: [
          ...whole.byPriority().map(([priority, figures]) => waits(priority, 'all', figures)),
          ...served.byPriority().map(([priority, figures]) => waits(priority, LATER, figures)),
        ],
      },
      { title: 'Mediators, medians of their lives', rows: [memory(findings)] },
    ],
    ratios: [
      atMost('memory, last third of a life / second third, median', median(growth)),
      atMost('memory, last lives / first lives', aged),
      ...whole.byPriority().map(([priority, figures]) => p99('all', priority, figures)),
      ...served.byPriority().map(([priority, figures]) => p99(LATER, priority, figures)),
    ].filter(({ value }) => Number.isFinite(value)),
  };
}

/** What was promised and not kept, as sentences. @param {Findings} findings */
export function faults({ whole: { all }, unasked, requestsLeft, answersLeft }) {
  const badAnswers = answersLeft.filter((text) => !/^-?\d+\n$/.test(text)).length;
  return [
    ...[...all.errors].map(
      ([code, { count, example }]) => `${count} requests ended with ${code}: ${example.message}`,
    ),
    ...fault(all.underWay, 'requests were never answered'),
    ...fault(requestsLeft, 'requests were left on disk'),
    ...fault(badAnswers, 'answers were left on disk that are no sum'),
    ...fault(unasked, 'mediators ended by themselves'),
  ];
}

const fault = (/** @type {number} */ count, /** @type {string} */ what) =>
  count === 0 ? [] : [`${count} ${what}`];

/** @param {Findings} findings */
function counts({ whole: { all, late }, requestsLeft, answersLeft, attacks, unasked }) {
  return {
    requests: all.sent,
    'answered rightly': all.answered,
    'wrong or failed': all.failed,
    lost: all.underWay + requestsLeft,
    'answers put again': answersLeft.length,
    'unasked ends': unasked,
    // If this is long, the machine had no time for the VMs, either.
    'sent late, p99 ms': rounded(late.percentile(99) ?? NaN),
    attacks: Object.values(attacks).reduce((sum, count) => sum + count, 0),
  };
}

/** @param {import('@vgpu/protocol').Priority} priority @param {string} which @param {Figures} figures */
function waits(priority, which, { answered, waits: times }) {
  const of = (/** @type {number} */ percent) => rounded(times.percentile(percent) ?? NaN);
  return {
    requests: which,
    priority: priorityName(priority),
    answered,
    p50: of(50),
    p90: of(90),
    p99: of(99),
    'p99.9': of(99.9),
    max: of(100),
  };
}

/** @param {string} which @param {import('@vgpu/protocol').Priority} priority @param {Figures} figures */
const p99 = (which, priority, { waits: times }) =>
  /** @type {const} */ ({
    name: `p99 of ${priorityName(priority)}, ${which}, ms`,
    value: times.percentile(99) ?? NaN,
    better: 'lower',
  });

/** @param {Findings} findings */
function memory({ lives }) {
  const of = (/** @type {keyof import('./lives.mjs').Life} */ name) =>
    lives.map((life) => Number(life[name])).filter(Number.isFinite);
  return {
    lives: lives.length,
    seconds: rounded(median(of('seconds'))),
    'serving again after ms': Math.round(median(of('restartMs'))),
    'at most ms': Math.round(Math.max(...of('restartMs'))),
    'MiB warm': Math.round(median(of('warmMiB'))),
    'MiB at the end': Math.round(median(of('endMiB'))),
    'MiB at most': Math.round(Math.max(...of('peakMiB'))),
  };
}

const minutes = (/** @type {number} */ seconds) =>
  seconds < 120 ? `${Math.round(seconds)} seconds` : `${(seconds / 60).toFixed(1)} minutes`;

/** Garbage collection alone accounts for a tenth. */
const atMost = (/** @type {string} */ name, /** @type {number} */ value) =>
  /** @type {const} */ ({ name, value, better: 'lower', target: 1.1 });
