import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

const ATTACKER = fileURLToPath(new URL('attacker.mjs', import.meta.url));

/** What a VM does to its directory, and with how many files. */
export const ATTACKS = /** @type {const} */ ({
  requests: 100_000,
  'long requests': 0,
  'other entries': 1_000_000,
  rewriting: 0,
  'half-written requests': 0,
  events: 0,
  specials: 0,
});

/**
 * Measures while a VM attacks, on what is left of this machine's time: it stands for another machine.
 *
 * @template T
 * @param {keyof typeof ATTACKS} attack
 * @param {{ directory: string, vm: number, size?: number, own?: (attacker: ChildProcess) => void }} target
 *   `own` is given the process that attacks, for whoever cleans up without waiting for the end
 * @param {() => Promise<T>} measure
 * @returns {Promise<T>}
 */
export async function during(attack, { directory, vm, size = ATTACKS[attack], own }, measure) {
  const args = [ATTACKER, attack, directory, String(vm), String(size)];
  const attacker = spawn('chrt', ['--idle', '0', process.execPath, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  own?.(attacker);
  const exit = once(attacker, 'exit');
  try {
    const begun = await Promise.race([once(attacker.stdout, 'data'), exit.then(() => undefined)]);
    if (begun === undefined) throw new Error(`the attack ${attack} has ended before it began`);
    return await measure();
  } finally {
    attacker.kill('SIGKILL');
    await exit;
  }
}
