// The mediator, as npm installed it from its tarball, as a user that owns nothing else.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { end, environment, hasEnded, own, until } from './processes.mjs';
import { MEDIATOR_USER } from './vms.mjs';

/** @typedef {{ message: string, vm?: number, pool?: string, priority?: number, outcome?: string }} LogLine */

export class Mediator {
  /** Of this one and, if it was started again, of those before. @type {LogLine[]} */
  log = [];
  #program;
  #root;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;

  /** @param {string} program @param {string} root */
  constructor(program, root) {
    this.#program = program;
    this.#root = root;
  }

  /** Starts it, and waits until it serves. */
  async start(/** @type {string[]} */ ...flags) {
    const fixed = ['--root', this.#root, '--backend', 'cpu', '--require-registration'];
    const logging = ['--log-format', 'json', '--log-level', 'debug'];
    const child = spawn(process.execPath, [this.#program, ...fixed, ...logging, ...flags], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: environment,
      cwd: '/',
      uid: MEDIATOR_USER,
      gid: MEDIATOR_USER,
    });
    this.#child = own(child);
    const before = this.log.length;
    /** @type {string[]} */
    const complaints = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.startsWith('{')) this.log.push(parse(line));
      else complaints.push(line);
    });
    const isReady = () => this.log.slice(before).some(({ message }) => message === 'ready');
    await until(() => isReady() || hasEnded(child), 'the mediator');
    if (hasEnded(child)) throw new Error(`the mediator did not start: ${complaints.join('\n')}`);
  }

  /** Ends it as an administrator does. */
  async stop() {
    if (this.#child) await end(this.#child);
  }

  /** Ends it at once, as a crash does. */
  async kill() {
    if (this.#child) await end(this.#child, 'SIGKILL');
  }

  /** @param {string} message @param {number} [vm] @param {number} [since] a length of the log */
  logged(message, vm, since = 0) {
    return this.log
      .slice(since)
      .filter((line) => line.message === message && (vm === undefined || line.vm === vm));
  }
}

/** @returns {LogLine} */
function parse(/** @type {string} */ line) {
  return JSON.parse(line);
}
