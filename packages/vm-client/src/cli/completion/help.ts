import { help as helpOf } from '../help.js';
import type { SettingTable } from '../command.js';

const USAGE = `$0 completion bash|zsh|fish

Prints a script that has a shell complete commands, options, and values of choices.`;

const EPILOGUE = 'Exit status: 0 printed; 64 wrong use.';

export function help(settings: SettingTable): Promise<string> {
  return helpOf(settings, {
    usage: USAGE,
    examples: [
      ['source <($0 completion bash)', 'in ~/.bashrc'],
      ['source <($0 completion zsh)', 'in ~/.zshrc, after compinit'],
      ['$0 completion fish | source', 'in ~/.config/fish/config.fish'],
    ],
    epilogue: EPILOGUE,
  });
}
