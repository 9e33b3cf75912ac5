import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median } from '../lib/measured.mjs';
import { peakMiB, residentMiB } from '../lib/process-figures.mjs';

const MEDIATOR = fileURLToPath(
  new URL('../../packages/mediator/bin/vgpu-mediator.js', import.meta.url),
);
/** The pause of systemd before it restarts a service (RestartSec), in milliseconds. */
const RESTART_MS = 100;
const SAMPLE_MS = 1000;
const LOOK_MS = 20;

/**
 * One run of the mediator.
 *
 * @typedef {object} Life
 * @property {number} seconds from serving to its end
 * @property {number} restartMs from the end of the one before until it served; NaN of the first one
 * @property {number} warmMiB resident, median of the second third of its time
 * @property {number} endMiB resident, median of the last third
 * @property {number} peakMiB
 * @property {string | number} ended the signal, or the status
 */

/** A mediator that is killed now and then, and restarted whenever it ends, as systemd does. */
export class Lives {
  /** @type {Life[]} */
  lives = [];
  /** When nobody served: `performance.now()`. @type {{ from: number, until: number }[]} */
  outages = [];
  kills = 0;
  #root;
  #flags;
  #isOver = false;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  /** @type {Promise<void>} */
  #running;
  /** @type {(() => void) | undefined} */
  #onServing;
  /** Resolves when the first one serves. @type {Promise<void>} */
  serving;

  /** @param {string} root @param {string[]} flags */
  constructor(root, flags) {
    this.#root = root;
    this.#flags = flags;
    this.serving = new Promise((resolve) => (this.#onServing = resolve));
    this.#running = this.#run();
  }

  kill() {
    this.kills += 1;
    this.#child?.kill('SIGKILL');
  }

  /** Ends the last one by SIGTERM, as an administrator does. */
  async stop() {
    this.#isOver = true;
    this.#child?.kill('SIGTERM');
    await this.#running;
  }

  /** Those that ended without a signal of this process. */
  get unasked() {
    const ended = this.lives.map((life) => life.ended);
    return ended.length - ended.filter((how) => how === 0 || how === 'SIGKILL').length;
  }

  async #run() {
    for (;;) {
      await this.#live();
      if (this.#isOver) return;
      await sleep(RESTART_MS);
    }
  }

  async #live() {
    const log = `${this.#root}.log`;
    const fd = openSync(log, 'w');
    const args = [MEDIATOR, '--root', this.#root, '--backend', 'cpu', ...this.#flags];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', fd] });
    this.#child = child;
    closeSync(fd);
    const exit = once(child, 'exit');
    const outage = this.outages.at(-1);
    while (child.exitCode === null && child.signalCode === null && !isReady(log)) {
      await sleep(LOOK_MS);
    }
    const servingSince = performance.now();
    if (outage !== undefined) outage.until = servingSince;
    this.#onServing?.();
    /** @type {number[]} */
    const samples = [];
    let peak = NaN;
    const sampler = setInterval(() => {
      try {
        samples.push(residentMiB(child.pid ?? NaN));
        peak = peakMiB(child.pid ?? NaN);
      } catch {
        // It has just ended.
      }
    }, SAMPLE_MS);
    const [status, signal] = await exit;
    clearInterval(sampler);
    const now = performance.now();
    this.outages.push({ from: now, until: Infinity });
    const third = Math.floor(samples.length / 3);
    this.lives.push({
      seconds: (now - servingSince) / 1000,
      restartMs: outage === undefined ? NaN : servingSince - outage.from,
      warmMiB: median(samples.slice(third, 2 * third)),
      endMiB: median(samples.slice(-third)),
      peakMiB: peak,
      ended: signal ?? status,
    });
    rmSync(log);
  }
}

function isReady(/** @type {string} */ log) {
  return readFileSync(log, 'latin1').includes(' ready root=');
}
