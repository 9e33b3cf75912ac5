import { spawn } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stop } from './lib/processes.mjs';
import { withRoot } from './lib/spool-root.mjs';

const MEDIATOR = fileURLToPath(
  new URL('../packages/mediator/bin/vgpu-mediator.js', import.meta.url),
);

/**
 * Runs a measurement against a mediator process on the CPU device, with all its checks and its log
 * at info into a file.
 *
 * @template T
 * @param {number} vms as many directories there are
 * @param {(root: string, pid: number) => Promise<T>} measure
 * @param {{ node?: string[], flags?: string[], command?: string[], isOnDisk?: boolean }} [options]
 *   arguments of Node, and of the mediator; a command that runs it; whether the root is on a disk
 * @returns {Promise<T>}
 */
export function withMediator(vms, measure, options) {
  const use = (/** @type {string} */ root) => servedBy(root, (pid) => measure(root, pid), options);
  return withRoot(vms, use, options?.isOnDisk);
}

/**
 * The same on a root that is there.
 *
 * @template T
 * @param {string} root
 * @param {(pid: number, answered: () => number) => Promise<T>} measure `answered` gives how many
 *   requests the log says were finished
 * @param {{ node?: string[], flags?: string[], command?: string[], isWaiting?: boolean }} [options]
 *   `isWaiting` false: does not wait until the mediator is ready
 */
export async function servedBy(
  root,
  measure,
  { node = [], flags = [], command = [], isWaiting = true } = {},
) {
  const log = new Log(`${root}.log`);
  const serve = [process.execPath, ...node, MEDIATOR, '--root', root, '--backend', 'cpu', ...flags];
  const [program = '', ...args] = [...command, ...serve];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', log.fd] });
  try {
    while (isWaiting && log.count('ready') === 0) await sleep(10);
    return await measure(child.pid ?? NaN, () => log.count('request finished'));
  } finally {
    await stop(child);
    log.close();
  }
}

/** A log file, read as it grows. */
class Log {
  fd;
  #reading;
  #buffer = Buffer.alloc(1 << 20);
  /** What came after the last newline. */
  #rest = '';
  /** @type {Map<string, number>} */
  #counts = new Map();

  constructor(/** @type {string} */ path) {
    this.fd = openSync(path, 'w');
    this.#reading = openSync(path, 'r');
  }

  /** How many lines with this message there are so far. */
  count(/** @type {string} */ message) {
    for (let bytes = this.#read(); bytes > 0; bytes = this.#read()) {
      const lines = (this.#rest + this.#buffer.toString('latin1', 0, bytes)).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) {
        const [, found = ''] = /^\S+ \S+ +(.*?)(?: \w+=|$)/.exec(line) ?? [];
        this.#counts.set(found, (this.#counts.get(found) ?? 0) + 1);
      }
    }
    return this.#counts.get(message) ?? 0;
  }

  #read() {
    return readSync(this.#reading, this.#buffer, 0, this.#buffer.length, null);
  }

  close() {
    closeSync(this.fd);
    closeSync(this.#reading);
  }
}
