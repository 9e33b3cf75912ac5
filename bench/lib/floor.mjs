// The floor in C, compiled when a benchmark needs it.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stop } from './processes.mjs';

const SOURCE = join(import.meta.dirname, '../floor/spool.c');
const FOLDER = join(import.meta.dirname, '../../.cache/bench');

/** @type {string | undefined} */
let program;

/** @returns {string} the path of the program that `floor/spool.c` describes; compiled once */
export function compile() {
  if (program !== undefined) return program;
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, 'spool');
  execFileSync(process.env['CC'] ?? 'cc', ['-O2', '-Wall', '-Wextra', '-o', path, SOURCE]);
  return (program = path);
}

/**
 * Runs a measurement beside the server in C.
 *
 * @template T
 * @param {string} root with the VM directories
 * @param {number} vms
 * @param {() => Promise<T>} measure
 */
export async function withFloor(root, vms, measure) {
  const server = spawn(compile(), ['server', root, String(vms)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await new Promise((resolve) => server.stdout.once('data', resolve));
    return await measure();
  } finally {
    await stop(server);
  }
}

/**
 * Has the client in C send requests to the server of the root.
 *
 * @param {string} root
 * @param {{ vms: number, inFlight: number, requests: number }} load `inFlight` for each VM
 * @returns {Promise<{ us: number[], perSecond: number }>} how long each took, in microseconds
 */
export async function askInC(root, { vms, inFlight, requests }) {
  const args = ['client', root, String(vms), String(inFlight), String(requests)];
  const options = { maxBuffer: 2 ** 30 };
  const { stdout } = await promisify(execFile)(compile(), args, options);
  const numbers = stdout.trim().split('\n').map(Number);
  const wholeNs = numbers.pop() ?? NaN;
  return { us: numbers.map((ns) => ns / 1000), perSecond: requests / (wholeNs / 1e9) };
}
