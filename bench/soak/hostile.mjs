import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ATTACKS } from '../flood/attacks.mjs';
import { during } from '../flood/during.mjs';

/** How many files an attack by number puts there. */
const SIZE = 5000;

/**
 * A VM that attacks in one way after the other, each from an empty directory.
 *
 * @param {{ directory: string, vm: number }} target
 * @param {number} eachMs how long an attack lasts
 * @param {AbortSignal} signal ends it
 * @returns {Promise<Record<string, number>>} how often it has attacked in which way
 */
export async function attack(target, eachMs, signal) {
  const names = Object.keys(ATTACKS);
  /** @type {Record<string, number>} */
  const times = {};
  for (let round = 0; !signal.aborted; round += 1) {
    const name = names[round % names.length] ?? '';
    await during(name, { vms: [target], size: SIZE }, async () => {
      times[name] = (times[name] ?? 0) + 1;
      await sleep(eachMs, undefined, { signal }).catch(() => undefined);
    });
    await remove(target.directory);
    await mkdir(target.directory);
  }
  return times;
}

const run = promisify(execFile);

/**
 * In a process of its own, with idle scheduling: an attack leaves a hundred thousand files, and a process
 * that removes them has no time to send requests.
 *
 * @param {string} directory
 */
async function remove(directory) {
  // The mediator may be putting responses there.
  while (existsSync(directory)) {
    await run('chrt', ['--idle', '0', 'rm', '-rf', directory]).catch(() => undefined);
  }
}
