// A host with a mediator and clients, as real processes, and the mediator's log.
import { spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** In the repository the built program, in an installed package the packed one. */
function program(/** @type {string} */ name) {
  const path = fileURLToPath(import.meta.resolve(`@vgpu/${name}/package.json`));
  const { bin } = /** @type {{ bin: Record<string, string> }} */ (
    JSON.parse(readFileSync(path, 'utf8'))
  );
  return join(dirname(path), bin[`vgpu-${name}`] ?? '');
}
const MEDIATOR = program('mediator');
const CLIENT = program('vm-client');
/** The time limit of a condition, milliseconds. */
export const PATIENCE_MS = 30_000;

/**
 * @typedef {{ vm: number, pool: 'A' | 'B', priority: 'high' | 'medium' | 'low', a: number, b: number }} Call
 * @typedef {{ message: string, vm?: number, seq?: number, waitMs?: number, level?: string, device?: number }} LogLine
 */

/** @type {Record<string, Call>} */
const calls = {
  vm1: { vm: 1, pool: 'A', priority: 'high', a: 100, b: 200 },
  vm2: { vm: 2, pool: 'A', priority: 'medium', a: 50, b: 75 },
  vm4: { vm: 4, pool: 'B', priority: 'high', a: 150, b: 250 },
};
export const { vm1, vm2, vm4 } = /** @type {Record<'vm1' | 'vm2' | 'vm4', Call>} */ (calls);

/** A root directory with the VMs' directories, a mediator and clients. */
export class Host {
  base = mkdtempSync(join(tmpdir(), 'vgpu-demo-'));
  root = join(this.base, 'vgpu');
  /** @type {LogLine[]} */
  #lines = [];
  /** The log is a file: on a pipe the mediator drops lines that are not read quickly enough. */
  #log = openSync(join(this.base, 'log'), 'a+');
  #logRead = 0;
  #rest = '';
  /** @type {import('node:child_process').ChildProcess | undefined} */
  mediator;
  /** @type {import('node:child_process').ChildProcess[]} */
  clients = [];

  /** @param {string} backend */
  constructor(backend) {
    this.backend = backend;
    for (const { vm } of Object.values(calls)) mkdirSync(this.directory(vm), { recursive: true });
  }

  directory(/** @type {number} */ vm) {
    return join(this.root, `vm${vm}`);
  }

  /** The mediator's log so far. */
  get log() {
    const bytes = Buffer.alloc(2 ** 20);
    for (;;) {
      const length = readSync(this.#log, bytes, 0, bytes.length, this.#logRead);
      if (length === 0) return this.#lines;
      this.#logRead += length;
      const lines = (this.#rest + bytes.toString('utf8', 0, length)).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('{')) this.#lines.push(parse(line));
        else process.stderr.write(`${line}\n`);
      }
    }
  }

  /**
   * @param {string} devices
   * @param {number} delayMs how long a CPU takes for one addition
   */
  start(devices, delayMs) {
    const flags = ['--backend', this.backend, '--devices', devices, '--cpu-delay', String(delayMs)];
    const logging = ['--log-level', 'debug', '--log-format', 'json'];
    const child = spawn(process.execPath, [MEDIATOR, '--root', this.root, ...flags, ...logging], {
      stdio: ['ignore', 'ignore', this.#log],
    });
    child.on('exit', (status) => {
      if (status === 0) return;
      // Its log has the reason.
      this.log
        .filter(({ level }) => level === 'error')
        .forEach((line) => {
          console.error(line);
        });
      for (const client of this.clients) client.kill();
      rmSync(this.base, { recursive: true, force: true });
      process.exit(status ?? 70);
    });
    this.mediator = child;
  }

  /** Starts a client; returns its outcome once its request is on disk. */
  async send(/** @type {Call} */ { vm, pool, priority, a, b }) {
    const identity = ['--vm-id', String(vm), '--pool', pool, '--priority', priority];
    const patience = ['--timeout', String(10 * PATIENCE_MS)];
    const args = [CLIENT, '--root', this.root, ...identity, ...patience, String(a), String(b)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.clients.push(child);
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => (printed += text));
    /** @type {Promise<{ printed: string, status: number | null }>} */
    const outcome = new Promise((resolve) => {
      child.on('close', (status) => {
        resolve({ printed: printed.trim(), status });
      });
    });
    const isSent = () =>
      child.exitCode !== null ||
      this.position('request queued', vm) >= 0 ||
      readdirSync(this.directory(vm)).some((name) => name.startsWith('request'));
    await until(isSent, `the request of VM-${vm}`);
    return { outcome };
  }

  logged(/** @type {string} */ message, /** @type {number} */ vm) {
    return this.log.find((line) => line.message === message && line.vm === vm);
  }

  /** The index of a log line; -1 if it is missing. */
  position(/** @type {string} */ message, /** @type {number} */ vm) {
    return this.log.findIndex((line) => line.message === message && line.vm === vm);
  }

  /** The index of the last such log line; -1 if there is none. */
  lastPosition(/** @type {string} */ message, /** @type {number} */ vm) {
    return this.log.findLastIndex((line) => line.message === message && line.vm === vm);
  }

  count(/** @type {string} */ message, /** @type {number} */ vm) {
    return this.log.filter((line) => line.message === message && line.vm === vm).length;
  }

  async stop() {
    const { mediator } = this;
    if (mediator?.exitCode === null) {
      const exited = new Promise((resolve) => mediator.on('exit', resolve));
      mediator.kill('SIGTERM');
      await exited;
    }
    for (const client of this.clients) client.kill();
    closeSync(this.#log);
    rmSync(this.base, { recursive: true, force: true });
  }
}

/** @returns {LogLine} */
function parse(/** @type {string} */ line) {
  return JSON.parse(line);
}

/** Waits for a condition. */
export async function until(/** @type {() => unknown} */ condition, /** @type {string} */ what) {
  const deadline = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(5);
  }
}
