import { printable } from '@vgpu/protocol';
import yargs, { type Options } from 'yargs';
import { VgpuError } from '../errors.js';
import { type Flags, SETTING_NAMES, SETTINGS, type SettingName, variableOf } from './settings.js';

/** What stands on a command line. Names are checked, values are not. */
export interface Arguments {
  readonly operands: readonly string[];
  readonly flags: Flags;
  /** The text of the help. */
  readonly help: () => Promise<string>;
}

const USAGE = `Adds two numbers, or two lists of numbers, on the GPU of this VM's host.

  $0 100 200
  $0 -1,-2 3,4 --vm-id 1 --root ./vgpu`;

const EPILOGUE = `Every option can be set by the variable beside it; the option counts first.

Exit status: 0 the sum was printed; 64 wrong use, or an operand is no int32; 65 the mediator
rejected the request; 69 no share, no device, or nothing says which VM this is; 70 internal error;
73 the request could not be created; 75 try again: no answer in time, rate limited, slot in use;
77 no permission; 78 the environment or the register block is invalid.`;

/**
 * Takes a command line apart. What starts with a minus sign and a digit is an operand, and operands
 * stay text: as JavaScript numbers, `1e3` and `0x10` would pass for what they are not.
 *
 * @throws VgpuError `USAGE`.
 */
export function parseArguments(argv: readonly string[]): Arguments {
  argv.forEach(refuseOddSwitch);
  const parser = newParser();
  const parsed = parser.parseSync([...argv]) as Parsed;
  const { _: operands, '--': afterDashes = [], ...flags } = parsed;
  const unknown = operands.find((operand) => /^-[A-Za-z-]/.test(operand));
  if (unknown !== undefined) throw misuse(`unknown option ${printable(unknown)}`);
  return { operands: [...operands, ...afterDashes], flags, help: () => parser.getHelp() };
}

/** Flags by name, and what yargs puts beside them. */
type Parsed = Flags & { readonly _: readonly string[]; readonly '--'?: readonly string[] };

/** The error of a command line that makes no sense. */
export const misuse = (message: string): VgpuError =>
  new VgpuError('USAGE', `${message}; see vgpu-vm-client --help`);

/** yargs takes every value of a switch but `true` for false, and so would `--plain=1`. */
function refuseOddSwitch(argument: string): void {
  const name = SETTING_NAMES.find((setting) => argument.startsWith(`--${setting}=`));
  if (name !== undefined && SETTINGS[name].isSwitch && !/=(?:true|false)$/.test(argument)) {
    throw misuse(`--${name} stands alone, or with =true or =false`);
  }
}

function optionOf(name: SettingName): Options {
  const { isSwitch, describe: text } = SETTINGS[name];
  const describe = `${text} (${variableOf(name)})`;
  return isSwitch ? { type: 'boolean', describe } : { type: 'string', requiresArg: true, describe };
}

function newParser() {
  return yargs()
    .scriptName('vgpu-vm-client')
    .help(false)
    .version(false)
    .usage(USAGE)
    .epilogue(EPILOGUE)
    .options(Object.fromEntries(SETTING_NAMES.map((name) => [name, optionOf(name)])))
    .options({
      help: { type: 'boolean', describe: 'print this' },
      version: { type: 'boolean', describe: 'print the version' },
    })
    .parserConfiguration({
      // An operand such as -1,-2 is no option. What was meant as one is told apart afterwards.
      'unknown-options-as-args': true,
      'parse-positional-numbers': false,
      'populate--': true,
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': false,
    })
    .locale('en')
    .strictOptions()
    .exitProcess(false)
    .wrap(100)
    .fail((message) => {
      throw misuse(message);
    });
}
