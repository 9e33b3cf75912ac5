import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ATTACKS } from './attacks.mjs';

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

const ATTACKER = fileURLToPath(new URL('attacker.mjs', import.meta.url));

/**
 * Measures while VMs attack with idle scheduling: they stand for other machines.
 *
 * @template T
 * @param {string} attack one of `ATTACKS`
 * @param {{ vms: readonly { vm: number, directory: string }[], size?: number, own?: (attacker: ChildProcess) => void }} attackers
 *   `size`: files that an attack by number makes in total; `own` gets the attacking process, for a caller that
 *   cleans up without waiting for its end
 * @param {() => Promise<T>} measure
 * @returns {Promise<T>}
 */
export async function during(attack, { vms, size = ATTACKS[attack]?.size ?? 0, own }, measure) {
  const targets = vms.map(({ vm, directory }) => `${vm}=${directory}`);
  const args = [ATTACKER, attack, String(Math.ceil(size / vms.length)), ...targets];
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
