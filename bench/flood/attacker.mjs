// `node attacker.mjs <attack> <size> <vm>=<directory> ...`: attacks from one VM or several, until it is
// killed, at most as fast as a program that sends 20 files and pauses for a millisecond. Prints "attacking"
// once everything is prepared.
import { setTimeout as sleep } from 'node:timers/promises';
import { attacksOn } from './attacks.mjs';

const [name = '', size, ...vms] = process.argv.slice(2);
const attacks = vms.map((text) => {
  const [vm, directory = ''] = text.split('=');
  const attack = attacksOn(directory, Number(vm), Number(size))[name];
  if (attack === undefined) throw new Error(`no attack ${name}`);
  return attack;
});
for (const { prepare } of attacks) prepare?.();
process.stdout.write('attacking\n');
/** The same total, from one VM or from eight. */
const each = attacks[0]?.isSlow ? 1 : Math.ceil(20 / attacks.length);
const pauseMs = attacks[0]?.isSlow ? 20 : 1;
for (;;) {
  for (const attack of attacks) {
    for (let index = 0; index < each; index += 1) {
      try {
        attack.act();
      } catch (error) {
        // The mediator may have removed it already.
        if (/** @type {NodeJS.ErrnoException} */ (error).code === undefined) throw error;
      }
    }
  }
  await sleep(pauseMs);
}
