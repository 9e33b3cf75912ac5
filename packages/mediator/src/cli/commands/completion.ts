import { ExitCode } from '@vgpu/protocol';
import { completionScript, type Shell, SHELLS } from '@vgpu/protocol/cli';
import type { Command } from './command.js';

/** `completion`: a script with which a shell completes command lines of this program. */
export const completion: Command = {
  usage: 'completion <shell>',
  summary: 'print a completion script for bash, zsh or fish',
  build: (parser) =>
    parser
      .positional('shell', { choices: SHELLS, describe: 'the shell' })
      .example('source <($0 completion bash)', 'in ~/.bashrc')
      .example('source <($0 completion zsh)', 'in ~/.zshrc, after compinit')
      .example('$0 completion fish | source', 'in ~/.config/fish/config.fish')
      .epilog(
        'It completes commands, options, values of choices, and the numbers of registered VMs where the ' +
          'registry can be read.\n',
      ),
  run: ({ shell }, { print }) => {
    print(completionScript(shell as Shell, 'vgpu-mediator'));
    return Promise.resolve(ExitCode.OK);
  },
};
