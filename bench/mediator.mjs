import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MEDIATOR = fileURLToPath(
  new URL('../packages/mediator/bin/vgpu-mediator.js', import.meta.url),
);

/**
 * Runs a measurement against a mediator process on the CPU device, with all its checks and its log
 * at info into a file, on a tmpfs where there is one.
 *
 * @template T
 * @param {readonly number[]} vms
 * @param {(root: string) => Promise<T>} measure
 */
export async function withMediator(vms, measure) {
  const base = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'vgpu-bench-'));
  const root = join(base, 'vgpu');
  for (const vm of vms) mkdirSync(join(root, `vm${vm}`), { recursive: true });
  const logPath = join(base, 'log');
  const log = openSync(logPath, 'w');
  const child = spawn(process.execPath, [MEDIATOR, '--root', root, '--backend', 'cpu'], {
    stdio: ['ignore', 'ignore', log],
  });
  try {
    while (!readFileSync(logPath, 'utf8').includes(' ready ')) await sleep(10);
    return await measure(root);
  } finally {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.on('exit', resolve));
    closeSync(log);
    rmSync(base, { recursive: true });
  }
}
