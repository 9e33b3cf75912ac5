import { printable } from '@vgpu/protocol';
import type { Argv } from 'yargs';
import { MediatorError } from '../mediator-error.js';
import {
  type OnChosen,
  unknownCommand,
  withAdministration,
  withExitStatuses,
} from './commands/administration.js';
import type { CommandLine, Flags } from './commands/command.js';
import { PARSING, refuseMisuse, SERVE_OPTIONS } from './serve-flags.js';

/**
 * Reads any command line.
 *
 * @throws MediatorError `USAGE`.
 */
export async function parseByYargs(argv: readonly string[], version: string): Promise<CommandLine> {
  let printed = '';
  let problem: string | undefined;
  let chosen: CommandLine | undefined;
  let chosenFlags: Flags = {};
  const program = await newProgram((command, flags) => {
    chosenFlags = flags;
    chosen = { command: 'administer', run: (context) => command.run(flags, context) };
  });
  const parser = program
    .version(version)
    .exitProcess(false)
    .fail((message, error) => {
      problem = message || error.message;
    });
  const flags = await parser.parseAsync(asYargsKnows(argv), {}, (_error, _argv, output) => {
    printed = withoutTypes(output);
  });
  if (problem !== undefined) {
    // yargs takes an unknown command for an argument.
    const [, refused] = /^Unknown arguments?: (.*)$/s.exec(problem) ?? [];
    problem = (refused && unknownCommand(argv, refused.split(', '))) ?? problem;
    throw new MediatorError('USAGE', `${problem}; see vgpu-mediator --help`);
  }
  if (printed !== '') return { command: 'print', text: printed };
  refuseMisuse(argv, chosenFlags);
  return chosen ?? { command: 'serve', flags };
}

/**
 * To yargs, `--` ends the command: that is right for `service`, where options of serve follow. Elsewhere
 * operands follow, none of which begins with a minus sign.
 *
 * @throws MediatorError `USAGE`.
 */
function asYargsKnows(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  const [before, after] = end < 0 ? [argv, []] : [argv.slice(0, end), argv.slice(end + 1)];
  const asked = before.map((word) => (word === '-h' ? '--help' : word));
  if (argv[0] === 'service') return [...asked, ...(end < 0 ? [] : ['--', ...after])];
  const option = after.find((word) => word.startsWith('-'));
  if (option === undefined) return [...asked, ...after];
  throw new MediatorError('USAGE', `expected an operand after --, got ${printable(option)}`);
}

/** yargs adds the type of every option to its text, which the default shows already. */
function withoutTypes(help: string): string {
  return help.replaceAll(/\s*\[(?:string|boolean|array|default|default: \[\])\]/g, '');
}

/** yargs with all commands and options, loaded on demand: few command lines need it. */
export async function newProgram(onChosen: OnChosen): Promise<Argv> {
  const { default: yargs } = await import('yargs');
  const program = yargs()
    .scriptName('vgpu-mediator')
    .usage(
      '$0 [serve]\n\nServes the requests of virtual machines, which they put into their directories.',
    )
    // Also known here, since they may stand before a command; not global: commands have options of
    // their own.
    .options(
      Object.fromEntries(
        Object.entries(SERVE_OPTIONS).map(([name, option]) => [name, { ...option, global: false }]),
      ),
    )
    .command(['serve', '$0'], 'serve requests until stopped (default)', (command) =>
      withServeHelp(command.options(SERVE_OPTIONS)),
    );
  return withAdministration(program, onChosen).locale('en').strict().parserConfiguration(PARSING);
}

/**
 * The help of serve besides its options; serve is the default command, so this is the help of the
 * program, too.
 */
function withServeHelp(parser: Argv): Argv {
  const described = parser
    .example('$0 --root ./vgpu --backend cpu', 'to try it, without a GPU')
    .example('$0 --http 127.0.0.1:9741', 'with metrics and a page')
    .example('$0 --check-config --config vgpu.json', 'before a reload or a start')
    .epilog(
      'Each option may also come from the environment (VGPU_ROOT, VGPU_POLL_INTERVAL, ...) or from the config ' +
        'file. A flag takes precedence over the environment, and the environment over the file. A duration ' +
        'is written as 200ms, 30s, 5m or 1h; a plain number is in milliseconds, for --aging in seconds.\n\n' +
        'SIGTERM or SIGINT finish the operations on the devices, then end the mediator; a second one ends it ' +
        'immediately. SIGHUP reloads the config file and the registry; if the terminal that the mediator ' +
        'was started from is closed, SIGHUP acts as SIGTERM. SIGUSR1 logs statistics.\n',
    );
  return withExitStatuses(described, 'serve');
}
