import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { byTurns, median, medianRatio, rounded } from './lib/measured.mjs';
import { installPeers } from './lib/peers.mjs';
import { candidates } from './queue/candidates.mjs';

/** @typedef {import('./lib/measured.mjs').Ratio} Ratio */
/** @typedef {import('./lib/measured.mjs').Figure} Figure */
/** @typedef {'levels' | 'floats' | 'weigh'} Task */

const CHILD = join(import.meta.dirname, 'queue/child.mjs');
const ROUNDS = 5;

/**
 * The figures of every candidate: of each round, by workload.
 *
 * @typedef {Map<string, Record<string, number>[]>} Figures
 */

/** Queues of `@vgpu/queue` and of other packages, each in processes of its own, by turns. */
export async function measureQueue() {
  installPeers();
  const levels = await measure('levels', ROUNDS);
  const floats = await measure('floats', ROUNDS);
  const bytes = await measure('weigh', 1);
  return {
    tables: [
      { title: `${LEVELS_TITLE}, nanoseconds`, rows: rowsOf(levels) },
      { title: `${FLOATS_TITLE}, nanoseconds`, rows: rowsOf(floats) },
      { title: 'Memory for 100 000 queued numbers', rows: weightsOf(bytes) },
    ],
    ratios: [...levelRatios(levels, floats), ...floatRatios(floats), ...weightRatios(bytes)],
    figures: [
      figureOf(`${LEVELS_TITLE}, 100 000 filled and drained`, levels, 'fill 1e5'),
      figureOf(`${LEVELS_TITLE}, held at 1 000`, levels, 'hold 1e3'),
      figureOf(`${FLOATS_TITLE}, 100 000 filled and drained`, floats, 'fill 1e5'),
    ],
  };
}

const LEVELS_TITLE = 'Three priorities';
const FLOATS_TITLE = 'Any priorities';

/** @param {Task} task @param {number} rounds @returns {Promise<Figures>} */
async function measure(task, rounds) {
  const names = Object.keys(candidates).filter(
    (name) => task === 'weigh' || candidates[name]?.priorities.includes(task),
  );
  /** @type {Figures} */
  const figures = new Map(names.map((name) => [name, []]));
  /** @type {Record<string, () => Promise<number>>} */
  const ways = {};
  // By turns, as in every benchmark; the number of figures is passed on.
  for (const name of names) {
    ways[name] = async () => figures.get(name)?.push(await run(name, task)) ?? 0;
  }
  await byTurns(ways, rounds);
  return figures;
}

/** @param {string} name @param {Task} task @returns {Promise<Record<string, number>>} */
async function run(name, task) {
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, name, task]);
  return JSON.parse(stdout);
}

/** @param {Figures} figures @param {string} name @param {string} workload */
const of = (figures, name, workload) =>
  (figures.get(name) ?? []).map((round) => round[workload] ?? NaN);

/** @param {Figures} figures @param {string} name @param {string} workload */
const medianOf = (figures, name, workload) => median(of(figures, name, workload));

/** @param {Figures} figures */
function rowsOf(figures) {
  const workloads = [...figures.values()].flatMap(([round]) => Object.keys(round ?? {}));
  return [...figures.keys()].map((name) => ({
    queue: name,
    'FIFO ties': candidates[name]?.ties ? 'yes' : 'no',
    ...Object.fromEntries(
      [...new Set(workloads)].map((workload) => [
        workload,
        shown(medianOf(figures, name, workload)),
      ]),
    ),
  }));
}

/** @param {Figures} figures */
const weightsOf = (figures) =>
  [...figures.keys()].map((name) => ({
    queue: name,
    'bytes per element': rounded(medianOf(figures, name, 'bytes'), 2),
  }));

const shown = (/** @type {number} */ ns) =>
  Number.isNaN(ns) ? '-' : rounded(ns, ns < 100 ? 2 : 3);

/**
 * The fastest of a kind in a workload.
 *
 * @param {Figures} figures
 * @param {string} workload
 * @param {(candidate: import('./queue/candidates.mjs').Candidate) => boolean} isMeant
 */
function fastest(figures, workload, isMeant) {
  const names = [...figures.keys()].filter((name) => {
    const candidate = candidates[name];
    return candidate && isMeant(candidate) && !Number.isNaN(medianOf(figures, name, workload));
  });
  return names.toSorted(
    (a, b) => medianOf(figures, a, workload) - medianOf(figures, b, workload),
  )[0];
}

/** @param {Figures} levels @param {Figures} floats @returns {Ratio[]} */
function levelRatios(levels, floats) {
  const targets = {
    'fill 1e3': 0.8,
    'fill 1e5': 0.5,
    'fill 1e6': 1,
    'hold 1e1': 1,
    'hold 1e3': 0.6,
    'hold 1e5': 1,
  };
  const ours = 'LevelQueue';
  const ratio = ratioOf(levels, ours);
  return [
    ...Object.entries(targets).map(([workload, target]) =>
      ratio(workload, fastest(levels, workload, isPeer), 'the fastest peer', target),
    ),
    ratio('hold 1e3', 'a ring, no priorities', 'a plain ring', 3),
    ratio('hold 1e1', 'heapify', 'heapify, numbers without FIFO ties'),
    ratio('hold 1e3', 'heapify', 'heapify, numbers without FIFO ties'),
    ...Object.keys(targets).map((workload) =>
      ratio(workload, fastest(levels, workload, isWired), 'the fastest three FIFOs by hand'),
    ),
    {
      name: `${ours}, remove 1e4 / flatqueue, any priorities, fill 1e3`,
      value: medianRatio(of(levels, ours, 'remove 1e4'), of(floats, 'flatqueue', 'fill 1e3')),
      better: 'lower',
      target: 1.5,
    },
  ];
}

/** @param {Figures} floats @returns {Ratio[]} */
function floatRatios(floats) {
  const targets = {
    'fill 1e3': [0.77, 1.4],
    'fill 1e5': [0.6, 1.15],
    'fill 1e6': [0.77],
    'hold 1e3': [0.77],
    'hold 1e5': [0.6],
  };
  const ours = 'PriorityQueue';
  const ratio = ratioOf(floats, ours);
  return [
    ...Object.entries(targets).map(([workload, [target]]) => {
      const peer = fastest(floats, workload, (candidate) => isPeer(candidate) && candidate.ties);
      return ratio(workload, peer, 'the fastest peer with FIFO ties', target);
    }),
    ...Object.entries(targets).map(([workload, [, target]]) =>
      ratio(workload, 'flatqueue', 'flatqueue, which has no FIFO ties', target),
    ),
    {
      name: `${ours}, remove 1e4 / flatqueue, any priorities, fill 1e3`,
      value: medianRatio(of(floats, ours, 'remove 1e4'), of(floats, 'flatqueue', 'fill 1e3')),
      better: 'lower',
      target: 5,
    },
  ];
}

/** @param {Figures} bytes @returns {Ratio[]} */
const weightRatios = (bytes) =>
  Object.entries({ LevelQueue: 20, PriorityQueue: 55 }).map(([name, target]) => ({
    name: `${name}, bytes per element`,
    value: medianOf(bytes, name, 'bytes'),
    better: 'lower',
    target,
  }));

/** @param {import('./queue/candidates.mjs').Candidate} candidate */
const isPeer = ({ kind, isFixed }) => kind === 'peer' && !isFixed;

/** @param {import('./queue/candidates.mjs').Candidate} candidate */
const isWired = ({ kind }) => kind === 'wired';

/** @param {Figures} figures @param {string} ours */
const ratioOf =
  (figures, ours) =>
  /**
   * @param {string} workload
   * @param {string | undefined} peer
   * @param {string} called
   * @param {number} [target]
   * @returns {Ratio}
   */
  (workload, peer = '', called, target) => ({
    name: `${ours}, ${workload} / ${called}`,
    value: medianRatio(of(figures, ours, workload), of(figures, peer, workload)),
    better: 'lower',
    ...(target === undefined ? {} : { target }),
  });

/** @param {string} title @param {Figures} figures @param {string} workload @returns {Figure} */
function figureOf(title, figures, workload) {
  const bars = [...figures.keys()].map((label) => ({
    label,
    value: medianOf(figures, label, workload),
    isOurs: candidates[label]?.kind === 'ours',
  }));
  return {
    title,
    unit: 'nanoseconds per element',
    bars: bars.filter(({ value }) => !Number.isNaN(value)).toSorted((a, b) => a.value - b.value),
  };
}
