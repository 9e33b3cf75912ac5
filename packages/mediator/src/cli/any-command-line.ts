import { printable } from '@vgpu/protocol';
import type { Argv } from 'yargs';
import { MediatorError } from '../mediator-error.js';
import { type OnChosen, withAdministration } from './commands/administration.js';
import type { CommandLine, Flags } from './commands/command.js';
import { PARSING, refuseOddSwitches, SERVE_GROUPS, SERVE_OPTIONS } from './serve-flags.js';

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
    chosen = { command: 'administer', run: (surroundings) => command.run(flags, surroundings) };
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
    throw new MediatorError('USAGE', `${problem}; see vgpu-mediator --help`);
  }
  if (printed !== '') return { command: 'print', text: printed };
  refuseOddSwitches(argv, chosenFlags);
  return chosen ?? { command: 'serve', flags };
}

/**
 * To yargs `--` ends a command, as it does before the options of serve that `service` has; elsewhere it stands
 * before operands, none of which begins with a minus sign.
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
  throw new MediatorError(
    'USAGE',
    `no operand begins as ${printable(option)} does, which is after --`,
  );
}

/** yargs names the type of every option; the text of an option says what it takes. */
function withoutTypes(help: string): string {
  return help.replaceAll(/\s+\[(?:string|boolean|array|default|default: \[\])\]/g, '');
}

/** yargs with all commands and options. Loads it: few command lines need it. */
export async function newProgram(onChosen: OnChosen): Promise<Argv> {
  const { default: yargs } = await import('yargs');
  const program = yargs()
    .scriptName('vgpu-mediator')
    .usage('$0 [serve]\n\nServes the requests that virtual machines put below a directory.')
    // Known here, too, for those that stand before a command; not global, or every command had them.
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

/** What the help says of serving besides each option; as the default command's, it is the program's, too. */
function withServeHelp(parser: Argv): Argv {
  return Object.entries(SERVE_GROUPS)
    .reduce((grouped, [heading, names]) => grouped.group([...names], heading), parser)
    .example('$0 --root ./vgpu --backend cpu', 'to try it, without a GPU')
    .example('$0 --http 127.0.0.1:9741', 'with metrics and a page')
    .example('$0 --check-config --config vgpu.json', 'before a reload or a start')
    .epilog(
      'Each option of serve may also come from the environment (VGPU_ROOT, VGPU_POLL_INTERVAL, ...) or ' +
        'from the config file; the flag counts first, then the environment, then the file.\n\n' +
        'SIGTERM or SIGINT finish what is on a device and end it; a second one ends it at once. SIGHUP ' +
        'reads config file and registry again; where the terminal is closed that it was started from, it ' +
        'counts as SIGTERM. SIGUSR1 logs statistics.\n\n' +
        'Exit status: 0 stopped, or done; 64 wrong use; 69 no device, another mediator has the state ' +
        'directory, or --http cannot be listened at; 70 a defect; 73 a directory or file cannot be made ' +
        'or used; 77 no permission; 78 the environment, the config file or the registry is invalid.',
    );
}
