import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Tally } from '../../packages/vm-client/dist/cli/bench/figures.js';
import { Load } from '../../packages/vm-client/dist/cli/bench/load.js';
import { withRoot } from '../lib/spool-root.mjs';
import { attack } from './hostile.mjs';
import { Lives } from './lives.mjs';

/** @typedef {import('../../packages/vm-client/dist/cli/bench/sample.js').Sample} Sample */
/** @typedef {import('@vgpu/protocol').Priority} Priority */

const VMS = 30;
const HOSTILE = VMS + 1;
/** Requests per second of one VM. */
const RATE = 5;
/** Milliseconds of a request on the device, so that a queue builds up and shows its order. */
const DEVICE_MS = 2;
/** A mediator that is down causes waits, not errors. */
const TIMEOUT_MS = 300_000;
/** For this time after its start, a mediator still works off the requests that came meanwhile. */
export const RECOVERY_MS = 5000;
/** The time for the last mediator to clear its requests. */
const CLEARING_MS = 10_000;

/**
 * @typedef {object} Findings
 * @property {number} seconds how long requests were sent, and waited for
 * @property {number} vms
 * @property {number} kills
 * @property {number} unasked mediators that ended although nobody ended them
 * @property {import('./lives.mjs').Life[]} lives
 * @property {Tally} whole all requests
 * @property {Tally} served those of them that no restart has held up: see RECOVERY_MS
 * @property {number} requestsLeft on disk at the end
 * @property {string[]} answersLeft on disk at the end: put there once more after a kill
 * @property {Record<string, number>} attacks
 */

/**
 * Plays VMs beside a hostile one, and kills their mediator again and again.
 *
 * @param {{ durationMs: number, killEveryMs: number }} options
 * @returns {Promise<Findings>}
 */
export function soak({ durationMs, killEveryMs }) {
  return withRoot(HOSTILE, async (root) => {
    const identities = Array.from({ length: VMS }, (_, index) => ({
      vm: index + 1,
      pool: poolOf(index),
      priority: priorityOf(index),
    }));
    register(root, [...identities, { vm: HOSTILE, pool: 'A', priority: 0 }]);
    const lives = new Lives(root, ['--cpu-delay', String(DEVICE_MS), '--require-registration']);
    await lives.serving;
    const tallies = new Tallies(lives);
    const pace = /** @type {const} */ ({ perSecond: RATE, arrivals: 'poisson' });
    const size = 1;
    const plan = { root, vms: identities, pace, durationMs, size, timeoutMs: TIMEOUT_MS };
    const load = new Load(plan, tallies);
    const end = new AbortController();
    await load.warmUp(end.signal);
    const hostile = { directory: join(root, `vm${HOSTILE}`), vm: HOSTILE };
    const attacks = attack(hostile, killEveryMs, end.signal);
    const killer = setInterval(() => {
      lives.kill();
    }, killEveryMs);
    const lastKill = setTimeout(
      () => {
        clearInterval(killer);
      },
      durationMs - killEveryMs / 2,
    );
    const elapsedMs = await load.run(end.signal);
    clearInterval(killer);
    clearTimeout(lastKill);
    end.abort();
    const attacked = await attacks;
    const { requests, answers } = await leftOn(root);
    await load.close();
    await lives.stop();
    return {
      seconds: elapsedMs / 1000,
      vms: VMS,
      kills: lives.kills,
      unasked: lives.unasked,
      lives: lives.lives,
      whole: tallies.whole,
      served: tallies.served,
      requestsLeft: requests,
      answersLeft: answers,
      attacks: attacked,
    };
  });
}

/** A third of each. @param {number} index @returns {Priority} */
const priorityOf = (index) => /** @type {Priority} */ (index % 3);

/** @param {number} index @returns {'A' | 'B'} */
const poolOf = (index) => (index % 2 === 0 ? 'A' : 'B');

/** Counts all requests, and again those that no restart has delayed. */
class Tallies {
  whole = new Tally();
  served = new Tally();
  #lives;

  constructor(/** @type {Lives} */ lives) {
    this.#lives = lives;
  }

  sent(/** @type {Priority} */ priority) {
    this.whole.sent(priority);
  }

  done(/** @type {Sample} */ sample) {
    this.whole.done(sample);
    const { fromMs, untilMs, priority } = sample;
    const wasHeldUp = this.#lives.outages.some(
      ({ from, until }) => from < untilMs && fromMs < until + RECOVERY_MS,
    );
    if (wasHeldUp) return;
    this.served.sent(priority);
    this.served.done(sample);
  }
}

/** @param {string} root @param {import('@vgpu/protocol').Identity[]} identities */
function register(root, identities) {
  const vms = Object.fromEntries(
    identities.map(({ vm, pool, priority }) => [vm, { pool, priority }]),
  );
  mkdirSync(`${root}-state`, { mode: 0o700 });
  writeFileSync(`${root}-state/registry.json`, JSON.stringify({ version: 1, vms }));
}

/** The files left in the directories of the VMs that are not hostile, once the mediator clears no more. */
async function leftOn(/** @type {string} */ root) {
  const due = performance.now() + CLEARING_MS;
  for (;;) {
    const paths = Array.from({ length: VMS }, (_, index) => join(root, `vm${index + 1}`)).flatMap(
      (directory) => readdirSync(directory).map((name) => join(directory, name)),
    );
    const held = paths.filter((path) => /\/\.vgpu-taken-[^/]*$/.test(path));
    const answers = paths.filter((path) => /\/response-[^/]*$/.test(path));
    const requests = paths.length - answers.length - held.length;
    if (requests === 0 || performance.now() > due) {
      return { requests, answers: answers.map((path) => readFileSync(path, 'utf8')) };
    }
    await sleep(100);
  }
}
