import type { Argv } from 'yargs';
import type { Command, CommandGroup, Flags } from './command.js';
import { completion } from './completion.js';
import { doctor } from './doctor.js';
import { drain } from './drain.js';
import { poolGroup } from './pool.js';
import { serviceGroup } from './service.js';
import { status } from './status.js';
import { vmGroup } from './vm.js';

/** Called with the command that was given, and its flags. */
export type OnChosen = (command: Command, flags: Flags) => void;

const GROUPS: readonly CommandGroup[] = [vmGroup, poolGroup, serviceGroup];
const COMMANDS: readonly Command[] = [status, drain, doctor, completion];

/** Adds the commands of an administrator to a parser. */
export function withAdministration(parser: Argv, onChosen: OnChosen): Argv {
  const withGroups = GROUPS.reduce(
    (program, { name, summary, commands }) =>
      program.command(name, summary, (group) =>
        withCommands(group, commands, onChosen).demandCommand(
          1,
          1,
          `expected one of ${commands.map(nameOf).join(', ')}`,
        ),
      ),
    parser,
  );
  return withCommands(withGroups, COMMANDS, onChosen);
}

function withCommands(parser: Argv, commands: readonly Command[], onChosen: OnChosen): Argv {
  return commands.reduce(
    (group, command) =>
      group.command(command.usage, command.summary, command.build, (flags) => {
        onChosen(command, flags);
      }),
    parser,
  );
}

function nameOf({ usage }: Command): string {
  return usage.split(' ')[0] ?? usage;
}
