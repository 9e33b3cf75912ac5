// The start-up of the packed programs as whole processes, against Node with nothing to do.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { bundle } from '../scripts/bundle.mjs';
import { compile } from './lib/floor.mjs';
import { byTurns, median, medianRatio, rounded } from './lib/measured.mjs';
import { stop } from './lib/processes.mjs';
import { withMediator } from './mediator.mjs';

const ROUNDS = 40;
const PACKAGES = join(import.meta.dirname, '../packages');

/** Each way by turns, each time in a new process; a mediator serves the client's requests. */
export async function measureStartUp() {
  const client = await programOf('vm-client');
  const mediator = await programOf('mediator');
  const modules = (/** @type {string} */ name) => join(PACKAGES, name, 'bin', `vgpu-${name}.js`);
  const floor = compile();
  const ms = await withMediator(1, (root) => {
    const request = ['100', '200', '--root', root, '--vm-id', '1'];
    const serve = ['--root', join(root, '../started'), '--backend', 'cpu'];
    return byTurns(
      {
        node: () => untilEnd(process.execPath, '-e', '0'),
        floor: () => untilEnd(floor, 'client', root, '1', '1', '1'),
        client: () => untilEnd(process.execPath, client, ...request),
        clientHelp: () => untilEnd(process.execPath, client, '--help'),
        clientModules: () => untilEnd(process.execPath, modules('vm-client'), ...request),
        mediator: () => untilReady(mediator, ...serve),
        mediatorHelp: () => untilEnd(process.execPath, mediator, '--help'),
        mediatorModules: () => untilReady(modules('mediator'), ...serve),
      },
      ROUNDS,
    );
  });
  const row = (/** @type {string} */ what, /** @type {keyof typeof ms} */ way) => ({
    'whole process': what,
    'median ms': rounded(median(ms[way])),
    'times node -e 0': medianRatio(ms[way], ms.node).toFixed(2),
  });
  return {
    tables: [
      {
        title: `Start-up (${ROUNDS} rounds)`,
        rows: [
          row('`node -e 0`', 'node'),
          row('a client in C', 'floor'),
          row('`vgpu-vm-client 100 200`', 'client'),
          row('the same, not bundled', 'clientModules'),
          row('`vgpu-vm-client --help`', 'clientHelp'),
          row('`vgpu-mediator`, until it is ready to serve', 'mediator'),
          row('the same, not bundled', 'mediatorModules'),
          row('`vgpu-mediator --help`', 'mediatorHelp'),
        ],
      },
    ],
    ratios: [
      ratio('vgpu-vm-client 100 200 / node -e 0', medianRatio(ms.client, ms.node), 1.6),
      ratio('vgpu-mediator until ready / node -e 0', medianRatio(ms.mediator, ms.node), 2),
    ],
  };
}

/** @param {string} name @param {number} value @param {number} target */
const ratio = (name, value, target) =>
  /** @type {const} */ ({ name, value, better: 'lower', target });

/** Makes what is packed: the program of a package. @param {string} name */
async function programOf(name) {
  const [program] = await bundle(join(PACKAGES, name));
  if (program === undefined) throw new Error(`${name} has no program`);
  return program;
}

/** @param {string} command @param {string[]} args @returns {Promise<number>} milliseconds */
async function untilEnd(command, ...args) {
  const started = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.resume();
  const [status] = await once(child, 'exit');
  const took = performance.now() - started;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
  return took;
}

/** @param {string[]} command @returns {Promise<number>} milliseconds */
async function untilReady(...command) {
  const started = performance.now();
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  for await (const text of child.stderr.setEncoding('utf8')) {
    log += String(text);
    if (log.includes(' ready root=')) break;
  }
  const took = performance.now() - started;
  const ended = child.exitCode !== null || child.signalCode !== null;
  await stop(child);
  if (ended || !log.includes(' ready root=')) throw new Error(`it did not get ready: ${log}`);
  return took;
}
