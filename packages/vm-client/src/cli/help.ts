import type { Argv } from 'yargs';
import { exitStatusText } from '@vgpu/protocol/cli';
import { optionsOf, PARSING } from './arguments.js';
import type { SettingTable } from './command.js';
import { type CommandName, EXIT_STATUSES } from './exit-statuses.js';
import { SETTINGS } from './settings.js';

const USAGE = `Adds two numbers, or two lists of numbers, on the GPU of this VM's host.

  $0 100 200
  $0 -1,-2 3,4 --vm-id 1 --root ./vgpu
  $0 bench --help, to measure with the requests of one VM or many`;

/** About variables and durations, for the epilogue of a command. */
export const VARIABLES =
  'Every option can be set by the variable beside it; the option takes precedence. A duration is written as ' +
  '200ms, 30s, 5m or 1h.';

/** The parts of a help besides the options; `$0` is the program. */
export interface HelpText {
  readonly command: CommandName;
  readonly usage: string;
  /** Command lines, and their meanings. */
  readonly examples?: [command: string, meaning: string][];
  /** A paragraph after the options. */
  readonly epilogue?: string;
}

/** yargs with the options and the texts of a command. Loads it: few calls need it. */
export async function newYargs(
  settings: SettingTable = SETTINGS,
  { command, usage, examples = [], epilogue = VARIABLES }: HelpText = {
    command: 'add',
    usage: USAGE,
  },
): Promise<Argv> {
  const { default: yargs } = await import('yargs');
  return yargs()
    .scriptName('vgpu-vm-client')
    .help(false)
    .version(false)
    .usage(flowing(usage))
    .example(examples)
    .epilogue(flowing(`${epilogue}\n\n${exitStatusText(EXIT_STATUSES, command)}`))
    .options(optionsOf(settings))
    .parserConfiguration(PARSING)
    .locale('en')
    .strictOptions()
    .exitProcess(false)
    .wrap(80);
}

/** Joins the lines of each paragraph, for yargs to break; indented lines stay. */
const flowing = (text: string) => text.replace(/(\S)\n(?=\S)/g, '$1 ');

/** The text of the help: of adding, unless another command is given. */
export async function help(settings?: SettingTable, text?: HelpText): Promise<string> {
  const printed = await (await newYargs(settings, text)).getHelp();
  // yargs adds the type of every option to its text, which the default shows already.
  return printed.replaceAll(/\s*\[(?:string|boolean)\]/g, '');
}
