import type { Argv } from 'yargs';
import type { Command, Flags } from './command.js';
import { vmAdd } from './vm-add.js';
import { vmShow } from './vm-show.js';

const COMMANDS: readonly Command[] = [vmAdd, vmShow];

/**
 * Adds the commands about VMs to a parser.
 *
 * @param onChosen Called with the command that was given, and its flags.
 */
export function vmCommands(onChosen: (command: Command, flags: Flags) => void) {
  return (parser: Argv): Argv =>
    COMMANDS.reduce(
      (group, command) =>
        group.command(command.usage, command.summary, command.build, (flags) => {
          onChosen(command, flags);
        }),
      parser,
    ).demandCommand(1, 1, `expected one of ${namesOf(COMMANDS).join(', ')}`);
}

function namesOf(commands: readonly Command[]): string[] {
  return commands.map(({ usage }) => usage.split(' ')[0] ?? usage);
}
