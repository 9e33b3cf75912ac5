import { sumDevice } from '@vgpu/cuda-binding';
import { Executor } from '../../packages/mediator/dist/devices/executor.js';
import { Events } from '../../packages/mediator/dist/events.js';
import { quantile } from '../lib/measured.mjs';

/**
 * @typedef {import('@vgpu/cuda-binding').VectorAdder} VectorAdder
 * @typedef {import('./floor.mjs').Floor} Floor
 * @typedef {'C mapped' | 'C textbook' | 'C async' | 'C flag' | 'addScalar' | 'executor'} Way
 * @typedef {{ way: Way, p50Us: number, p90Us: number, p99Us: number, ofMapped: number }} Latency
 * @typedef {{ inFlight: number, sums: number, perSecond: number, cPerSecond: number }} Rate
 */

/** Sums at the start of each turn that do not count. */
const WARM_UP = 100;

/**
 * One sum at a time, in turns that alternate between C and Node. `ofMapped` is the median of the
 * ratios of the medians in each round.
 *
 * @param {VectorAdder} device @param {Floor} floor
 * @param {{ rounds: number, sums: number }} counts
 */
export async function measureLatency(device, floor, { rounds, sums }) {
  const runJob = await executorOf(device);
  const inC = (/** @type {string} */ command) => async () =>
    (await floor.ask(`${command} ${WARM_UP + sums}`)).map((ns) => ns / 1000);
  const inNode = (/** @type {(a: number, b: number) => Promise<number>} */ add) => () =>
    timeSums(add, WARM_UP + sums);
  /** @type {[Way, () => Promise<number[]>][]} */
  const ways = [
    ['C mapped', inC('mapped')],
    ['C textbook', inC('textbook')],
    ['C async', inC('async')],
    ['C flag', inC('flag')],
    ['addScalar', inNode((a, b) => device.addScalar(a, b))],
    ['executor', inNode(runJob)],
  ];
  const turns = ways.map(([way, measure]) => ({
    way,
    measure,
    /** @type {number[][]} */
    rounds: [],
  }));
  // The first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    for (const turn of rotated(turns, round)) {
      const times = (await turn.measure()).slice(WARM_UP);
      if (round > 0) turn.rounds.push(times);
    }
  }
  const medians = (/** @type {Way} */ wanted) =>
    turns.find(({ way }) => way === wanted)?.rounds.map((times) => quantile(times, 0.5)) ?? [];
  const mapped = medians('C mapped');
  return turns.map(({ way, rounds }) => {
    const all = rounds.flat();
    const ratios = medians(way).map((median, round) => median / (mapped[round] ?? NaN));
    return {
      way,
      p50Us: quantile(all, 0.5),
      p90Us: quantile(all, 0.9),
      p99Us: quantile(all, 0.99),
      ofMapped: quantile(ratios, 0.5),
    };
  });
}

/**
 * Many sums in flight, through the library and in C by turns; the median of the repetitions.
 *
 * @param {VectorAdder} device @param {Floor} floor
 * @param {{ inFlight: number, sums: number, repetitions: number }} counts
 * @returns {Promise<Rate>}
 */
export async function measureRate(device, floor, { inFlight, sums, repetitions }) {
  const perSecond = [];
  const cPerSecond = [];
  await flood(device, inFlight, Math.ceil(sums / 10));
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    const [ns = NaN] = await floor.ask(`flood ${sums} ${inFlight}`);
    cPerSecond.push((1e9 * sums) / ns);
    perSecond.push((1000 * sums) / (await flood(device, inFlight, sums)));
  }
  return {
    inFlight,
    sums,
    perSecond: quantile(perSecond, 0.5),
    cPerSecond: quantile(cPerSecond, 0.5),
  };
}

/** Milliseconds for all. */
async function flood(
  /** @type {VectorAdder} */ device,
  /** @type {number} */ inFlight,
  /** @type {number} */ sums,
) {
  let next = 0;
  const loop = async () => {
    while (next < sums) {
      const a = scattered((next += 1));
      expectSum(await device.addScalar(a, 123_456_789), a, 123_456_789);
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: inFlight }, loop));
  return performance.now() - started;
}

/** Microseconds of each. */
async function timeSums(
  /** @type {(a: number, b: number) => Promise<number>} */ add,
  /** @type {number} */ sums,
) {
  const times = [];
  for (let index = 0; index < sums; index += 1) {
    const a = scattered(index);
    const started = performance.now();
    const sum = await add(a, index);
    times.push(1000 * (performance.now() - started));
    expectSum(sum, a, index);
  }
  return times;
}

/** A function that adds through the mediator's executor, with nothing around it. */
async function executorOf(/** @type {VectorAdder} */ device) {
  const executor = new Executor({
    index: device.device.index,
    open: () => Promise.resolve(sumDevice(device)),
    settings: { execLimitMs: 10_000 },
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    events: new Events(),
  });
  await executor.open();
  const call = { operation: 'add', a: new Int32Array(1), b: new Int32Array(1) };
  // The executor reads nothing of a job but its call.
  const job = /** @type {Parameters<Executor['run']>[0]} */ (/** @type {unknown} */ ({ call }));
  return async (/** @type {number} */ a, /** @type {number} */ b) => {
    call.a[0] = a;
    call.b[0] = b;
    const { answer } = await executor.run(job);
    if (!('sum' in answer)) throw new Error(`the executor answered ${JSON.stringify(answer)}`);
    return answer.sum[0] ?? NaN;
  };
}

function ignore() {
  return undefined;
}

function expectSum(
  /** @type {number} */ received,
  /** @type {number} */ a,
  /** @type {number} */ b,
) {
  if (received !== ((a + b) | 0)) throw new Error(`a wrong sum of ${a} and ${b}: ${received}`);
}

/** Numbers of the whole range of int32. */
function scattered(/** @type {number} */ index) {
  return Math.imul(index, 0x9e3779b1);
}

/** @template T @param {T[]} list @param {number} by */
function rotated(list, by) {
  const start = by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}
