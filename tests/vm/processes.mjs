// What every process that these tests start has in common: it is ended, by its id.
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** The time that a process may take to end after it was asked to, in milliseconds. */
const END_MS = 10_000;

/** No setting of the user who runs the tests, or of the npm that started them, has an effect. */
export const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(?:VGPU|npm)_/i.test(name)),
);

/** @type {Set<import('node:child_process').ChildProcess>} */
const owned = new Set();

/**
 * Makes sure that a process does not outlive this one, in whatever way this one ends.
 *
 * @template {import('node:child_process').ChildProcess} T
 * @param {T} child
 * @returns {T}
 */
export function own(child) {
  owned.add(child);
  child.on('exit', () => owned.delete(child));
  return child;
}

process.on('exit', () => {
  for (const child of owned) child.kill('SIGKILL');
});

/**
 * Asks a process to end, and kills it where that takes too long.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} [signal]
 */
export async function end(child, signal = 'SIGTERM') {
  if (hasEnded(child)) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const kill = setTimeout(() => child.kill('SIGKILL'), END_MS);
  await ended;
  clearTimeout(kill);
}

/** @param {import('node:child_process').ChildProcess} child */
export const hasEnded = ({ pid, exitCode, signalCode }) =>
  pid === undefined || exitCode !== null || signalCode !== null;

/**
 * Waits for a condition; fails after a while, saying for what it waited.
 *
 * @param {() => unknown} condition
 * @param {string} what
 * @param {number} [patienceMs]
 */
export async function until(condition, what, patienceMs = 60_000) {
  const deadline = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(10);
  }
}

/**
 * Runs a command to its end, and gives what it printed.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 */
export function execute(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    maxBuffer: 2 ** 30,
    env: environment,
    ...options,
    encoding: 'utf8',
  });
  if (error) throw new Error(`cannot run ${command}: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed (${status}): ${stderr}`);
  return stdout;
}
