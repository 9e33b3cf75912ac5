import type { Argv } from 'yargs';
import { optionsOf, PARSING } from './arguments.js';
import type { SettingTable } from './command.js';
import { SETTINGS } from './settings.js';

const USAGE = `Adds two numbers, or two lists of numbers, on the GPU of this VM's host.

  $0 100 200
  $0 -1,-2 3,4 --vm-id 1 --root ./vgpu
  $0 bench --help, to measure with the requests of one VM or many`;

const EPILOGUE = `Every option can be set by the variable beside it; the option counts first.

Exit status: 0 the sum was printed; 64 wrong use, or an operand is no int32; 65 the mediator
rejected the request; 69 no share, no device, or nothing says which VM this is; 70 internal error;
73 the request could not be created; 75 try again: no answer in time, rate limited, slot in use;
77 no permission; 78 the environment or the register block is invalid.`;

/** What a help says besides the options; `$0` is the program. */
export interface HelpText {
  readonly usage: string;
  /** Command lines, and what each does. */
  readonly examples?: [command: string, meaning: string][];
  readonly epilogue: string;
}

/** yargs with all that it has to know of a command. Loads it: few calls need it. */
export async function newYargs(
  settings: SettingTable = SETTINGS,
  { usage, examples = [], epilogue }: HelpText = { usage: USAGE, epilogue: EPILOGUE },
): Promise<Argv> {
  const { default: yargs } = await import('yargs');
  return yargs()
    .scriptName('vgpu-vm-client')
    .help(false)
    .version(false)
    .usage(flowing(usage))
    .example(examples)
    .epilogue(flowing(epilogue))
    .options(optionsOf(settings))
    .parserConfiguration(PARSING)
    .locale('en')
    .strictOptions()
    .exitProcess(false)
    .wrap(80);
}

/** Paragraphs of one line each, for yargs to break; lines that are indented stay lines. */
const flowing = (text: string) => text.replace(/(\S)\n(?=\S)/g, '$1 ');

/** The text of the help: of adding, unless another command's is asked for. */
export async function help(settings?: SettingTable, text?: HelpText): Promise<string> {
  const printed = await (await newYargs(settings, text)).getHelp();
  // yargs names the type of every option; the text of an option says what it takes.
  return printed.replaceAll(/\s+\[(?:string|boolean)\]/g, '');
}
