import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
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
 * @param {{ node?: string[], flags?: string[] }} [options] arguments of Node, and of the mediator
 * @returns {Promise<T>}
 */
export function withMediator(vms, measure, options) {
  return withRoot(vms, (root) => servedBy(root, (pid) => measure(root, pid), options));
}

/**
 * The same on a root that is there.
 *
 * @template T
 * @param {string} root
 * @param {(pid: number) => Promise<T>} measure
 * @param {{ node?: string[], flags?: string[] }} [options]
 */
export async function servedBy(root, measure, { node = [], flags = [] } = {}) {
  const logPath = `${root}.log`;
  const log = openSync(logPath, 'w');
  const args = [...node, MEDIATOR, '--root', root, '--backend', 'cpu', ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', log] });
  try {
    while (!readFileSync(logPath, 'utf8').includes(' ready ')) await sleep(10);
    return await measure(child.pid ?? NaN);
  } finally {
    await stop(child);
    closeSync(log);
  }
}
