// `node attacker.mjs <attack> <directory> <vm> <size>`: attacks as fast as one core can, until it is
// killed. Says "attacking" once it is at full speed.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { attacksOn } from './attacks.mjs';

const [name = '', directory = '', vm, size] = process.argv.slice(2);
const attack = attacksOn(directory, Number(vm), Number(size))[name];
if (attack === undefined) throw new Error(`no attack ${name}`);
attack.prepare?.();
process.stdout.write('attacking\n');
for (;;) {
  for (let index = 0; index < 100; index += 1) {
    try {
      attack.act();
    } catch (error) {
      // The mediator has removed it, or has not yet.
      if (/** @type {NodeJS.ErrnoException} */ (error).code === undefined) throw error;
    }
  }
  await nextTurn();
}
