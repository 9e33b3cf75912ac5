import { ExitCode } from '@vgpu/protocol';
import { completionScript, type Shell, SHELLS } from '../completion-script.js';
import type { Command } from './command.js';

/** `completion`: has a shell complete command lines of this program. */
export const completion: Command = {
  usage: 'completion <shell>',
  summary: 'print a script that has bash, zsh or fish complete commands',
  build: (parser) =>
    parser
      .positional('shell', { choices: SHELLS, describe: 'which shell' })
      .example('source <($0 completion bash)', 'in ~/.bashrc')
      .example('source <($0 completion zsh)', 'in ~/.zshrc, after compinit')
      .example('$0 completion fish | source', 'in ~/.config/fish/config.fish')
      .epilog(
        'It completes commands, options, values of choices, and the numbers of registered VMs where ' +
          'the registry can be read.\n\n' +
          'Exit status: 0 printed; 64 wrong use.',
      ),
  run: ({ shell }, { print }) => {
    print(completionScript(shell as Shell, 'vgpu-mediator'));
    return Promise.resolve(ExitCode.OK);
  },
};
