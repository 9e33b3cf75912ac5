import type { Argv } from 'yargs';
import { printable } from '@vgpu/protocol';
import { exitStatusText } from '@vgpu/protocol/cli';
import { type CommandName, EXIT_STATUSES } from '../exit-statuses.js';
import type { CommandGroup, Command, Flags } from './command.js';
import { vmAdd } from './vm-add.js';
import { vmList } from './vm-list.js';
import { vmRemove } from './vm-remove.js';
import { vmSet } from './vm-set.js';
import { vmShow } from './vm-show.js';
import { vmResume, vmSuspend } from './vm-suspend.js';
import { completion } from './completion.js';
import { doctor } from './doctor.js';
import { drain } from './drain.js';
import { poolGroup } from './pool.js';
import { serviceGroup } from './service.js';
import { status } from './status.js';

const vmGroup: CommandGroup = {
  name: 'vm',
  summary: 'administer virtual machines: add, set, list, show, suspend, resume, remove',
  commands: [vmAdd, vmSet, vmList, vmShow, vmSuspend, vmResume, vmRemove],
};

/** Called with the command that was given, and its flags. */
export type OnChosen = (command: Command, flags: Flags) => void;

const GROUPS: readonly CommandGroup[] = [vmGroup, poolGroup, serviceGroup];
const COMMANDS: readonly Command[] = [status, drain, doctor, completion];

/** Adds the administration commands to a parser. */
export function withAdministration(parser: Argv, onChosen: OnChosen): Argv {
  const withGroups = GROUPS.reduce(
    (program, { name, summary, commands }) =>
      program.command(name, summary, (group) =>
        withCommands(group, commands, onChosen, `${name} `).demandCommand(
          1,
          1,
          `expected one of ${commands.map(nameOf).join(', ')}`,
        ),
      ),
    parser,
  );
  return withCommands(withGroups, COMMANDS, onChosen);
}

function withCommands(
  parser: Argv,
  commands: readonly Command[],
  onChosen: OnChosen,
  prefix = '',
): Argv {
  return commands.reduce(
    (group, command) =>
      group.command(
        command.usage,
        command.summary,
        (own: Argv) =>
          withExitStatuses(command.build(own), `${prefix}${nameOf(command)}` as CommandName),
        (flags) => {
          onChosen(command, flags);
        },
      ),
    parser,
  );
}

/** Adds what the help of a command says about its exit status. */
export function withExitStatuses(parser: Argv, command: CommandName): Argv {
  return parser.epilog(exitStatusText(EXIT_STATUSES, command));
}

/**
 * A message for a command line whose command is unknown; undefined if its command is known.
 *
 * @param refused The arguments that yargs refuses, which do not tell commands from others.
 */
export function unknownCommand(
  argv: readonly string[],
  refused: readonly string[],
): string | undefined {
  const words = argv.filter((argument) => !argument.startsWith('-'));
  const group = GROUPS.find(({ name }) => words.includes(name));
  const known = group?.commands.map(nameOf) ?? [
    ...['serve', ...GROUPS.map(({ name }) => name), ...COMMANDS.map(nameOf)],
  ];
  const word = words.find((each) => refused.includes(each));
  if (word === undefined || words.some((each) => known.includes(each))) return undefined;
  const command = printable(group === undefined ? word : `${group.name} ${word}`);
  return `unknown command ${command}: expected one of ${known.join(', ')}`;
}

function nameOf({ usage }: Command): string {
  return usage.split(' ')[0] ?? usage;
}
