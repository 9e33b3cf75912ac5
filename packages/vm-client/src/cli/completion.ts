import { ExitCode, printable } from '@vgpu/protocol';
import { completionScript, SHELLS } from '@vgpu/protocol/cli';
import { misuseOf } from './arguments.js';
import type { Arguments, CliContext, Command } from './command.js';
import { SETTINGS } from './settings.js';

const HELP = {
  command: 'completion',
  usage: `$0 completion bash|zsh|fish

Prints a completion script for a shell: it completes commands, options, and values of choices.`,
  examples: [
    ['source <($0 completion bash)', 'in ~/.bashrc'],
    ['source <($0 completion zsh)', 'in ~/.zshrc, after compinit'],
    ['$0 completion fish | source', 'in ~/.config/fish/config.fish'],
  ] as [string, string][],
} as const;

/** Prints a script with which a shell completes command lines of this program. */
export const COMPLETION: Command = {
  name: 'vgpu-vm-client completion',
  settings: { json: SETTINGS.json },
  help: async () => (await import('./help.js')).help(COMPLETION.settings, HELP),
  run: complete,
};

function complete({ operands }: Arguments, { print }: CliContext): Promise<ExitCode> {
  const [text, ...more] = operands;
  const shell = SHELLS.find((name) => name === text);
  if (shell === undefined || more.length > 0) {
    const received = operands.length === 0 ? 'nothing' : printable(operands.join(' '));
    throw misuseOf(COMPLETION.name, `expected one of ${SHELLS.join(', ')}, got ${received}`);
  }
  print(completionScript(shell, 'vgpu-vm-client'));
  return Promise.resolve(ExitCode.OK);
}
