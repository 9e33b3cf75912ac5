import { ExitCode, printable } from '@vgpu/protocol';
import type { Arguments } from '../command.js';
import { misuseOf } from '../arguments.js';
import type { Command } from '../command.js';
import { SETTINGS } from '../settings.js';
import type { Surroundings } from '../surroundings.js';
import { completionScript, SHELLS } from './script.js';

/** Has a shell complete command lines of this program. */
export const COMPLETION: Command = {
  name: 'vgpu-vm-client completion',
  settings: { json: SETTINGS.json },
  help: async () => (await import('./help.js')).help(COMPLETION.settings),
  run: complete,
};

function complete({ operands }: Arguments, { print }: Surroundings): Promise<ExitCode> {
  const [text, ...more] = operands;
  const shell = SHELLS.find((name) => name === text);
  if (shell === undefined || more.length > 0) {
    const received = operands.length === 0 ? 'nothing' : printable(operands.join(' '));
    throw misuseOf(COMPLETION.name, `expected one of ${SHELLS.join(', ')}, got ${received}`);
  }
  print(completionScript(shell, 'vgpu-vm-client'));
  return Promise.resolve(ExitCode.OK);
}
