// The workloads: a queue is filled and drained, held at a depth, has elements removed, or is weighed.
// Priorities are new random ones in each repetition: the processor would learn repeated ones.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { quantile } from '../lib/measured.mjs';
import { LEVELS } from './candidates.mjs';

/** @typedef {import('./candidates.mjs').Queue} Queue */
/** @typedef {(capacity: number) => Queue} Create */
/** @typedef {'levels' | 'floats'} Priorities */

/** The duration of a workload's repetitions, milliseconds: first without counting. */
const WARM_UP_MS = 25;
const MEASURED_MS = 50;
const TOO_LONG_MS = 400;

/** Pairs of push and pop, or removals, in one repetition. */
const STEPS = 20_000;

/** @param {Priorities} kind @param {number} length */
function randomPriorities(kind, length) {
  const list = kind === 'levels' ? new Uint8Array(length) : new Float64Array(length);
  for (let i = 0; i < length; i += 1) {
    list[i] = kind === 'levels' ? Math.floor(LEVELS * Math.random()) : Math.random();
  }
  return list;
}

/** @param {Create} create @param {Priorities} kind @param {number} size @returns ns per element */
export function fillAndDrain(create, kind, size) {
  return repeated(() => {
    const priorities = randomPriorities(kind, size);
    const queue = create(size);
    const startMs = performance.now();
    for (let i = 0; i < size; i += 1) queue.push(i, priorities[i] ?? 0);
    for (let i = 0; i < size; i += 1) queue.pop();
    return (1e6 * (performance.now() - startMs)) / size;
  });
}

/** @param {Create} create @param {Priorities} kind @param {number} size @returns ns per pair */
export function hold(create, kind, size) {
  return repeated(() => {
    const priorities = randomPriorities(kind, size + STEPS);
    const queue = create(size + 1);
    for (let i = 0; i < size; i += 1) queue.push(i, priorities[i] ?? 0);
    const startMs = performance.now();
    for (let i = size; i < size + STEPS; i += 1) {
      queue.push(i, priorities[i] ?? 0);
      queue.pop();
    }
    return (1e6 * (performance.now() - startMs)) / STEPS;
  });
}

/**
 * Removes any element, and pushes one in its place.
 *
 * @param {Create} create @param {Priorities} kind @param {number} size @returns ns per removal
 */
export function removeAny(create, kind, size) {
  const queue = create(size + 1);
  const handles = Array.from(randomPriorities(kind, size), (priority, i) =>
    queue.push(i, priority),
  );
  // A few suffice for a queue that searches for each element.
  const isSearched = typeof handles[0] !== 'number';
  const steps = isSearched ? 20 : STEPS;
  return repeated(() => {
    const priorities = randomPriorities(kind, steps);
    const which = Uint32Array.from({ length: steps }, () => Math.floor(size * Math.random()));
    const startMs = performance.now();
    for (let i = 0; i < steps; i += 1) {
      const at = which[i] ?? 0;
      queue.delete?.(handles[at]);
      handles[at] = queue.push(i, priorities[i] ?? 0);
    }
    return (1e6 * (performance.now() - startMs)) / steps;
  });
}

/** @param {Create} create @param {Priorities} kind @param {number} size @returns bytes per element */
export function weigh(create, kind, size) {
  setFlagsFromString('--expose-gc');
  const collectGarbage = /** @type {() => void} */ (runInNewContext('gc'));
  const bytes = () => {
    collectGarbage();
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const priorities = randomPriorities(kind, size);
  const before = bytes();
  const queue = create(size);
  for (let i = 0; i < size; i += 1) queue.push(i, priorities[i] ?? 0);
  const held = bytes() - before;
  // Used after the weighing, so that it was not collected.
  queue.pop();
  return held / size;
}

/**
 * The first quartile of the repetitions: it excludes the time that other processes take from this one.
 *
 * @param {() => number} once
 */
function repeated(once) {
  const runFor = (/** @type {number} */ ms) => {
    const endMs = performance.now() + ms;
    const figures = [once()];
    while (performance.now() < endMs) figures.push(once());
    return quantile(figures, 0.25);
  };
  const startMs = performance.now();
  const cold = runFor(WARM_UP_MS);
  // Such a slow workload was warm early, and would take too long a second time.
  return performance.now() - startMs > TOO_LONG_MS ? cold : runFor(MEASURED_MS);
}
