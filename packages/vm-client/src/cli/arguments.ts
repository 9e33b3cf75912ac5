import { printable } from '@vgpu/protocol';
import type { Options } from 'yargs';
import parser from 'yargs-parser';
import { VgpuError } from '../errors.js';
import type { Arguments, Command, SettingTable } from './command.js';
import { type Flags, type Setting, variableOf } from './settings.js';

/** Every option that may stand on a command line with these settings, as yargs takes it. */
export const optionsOf = (settings: SettingTable): Readonly<Record<string, Options>> => ({
  ...Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [name, optionOf(name, setting)]),
  ),
  help: { type: 'boolean', describe: 'print this' },
  version: { type: 'boolean', describe: 'print the version' },
});

/** How yargs is to read a command line. */
export const PARSING = {
  // An operand such as -1,-2 is no option. What was meant as one is told apart afterwards.
  'unknown-options-as-args': true,
  'parse-positional-numbers': false,
  'populate--': true,
  'boolean-negation': false,
  'camel-case-expansion': false,
  'dot-notation': false,
  'duplicate-arguments-array': false,
};

/**
 * Takes a command line apart. What starts with a minus sign and a digit is an operand, and operands
 * stay text: as JavaScript numbers, `1e3` and `0x10` would pass for what they are not.
 *
 * The parser of yargs alone does that: the rest of yargs, which takes longer to load than all else
 * together, is for the help.
 *
 * @throws VgpuError `USAGE`.
 */
export function parseArguments(
  argv: readonly string[],
  { name: command, settings }: Pick<Command, 'name' | 'settings'>,
): Arguments {
  const misuse = (message: string) => misuseOf(command, message);
  const odd = argv.find((argument) => isOddSwitch(argument, settings));
  if (odd !== undefined) {
    throw misuse(`${odd.replace(/=.*/s, '')} stands alone, or with =true or =false`);
  }
  const options = optionsOf(settings);
  const namesOf = (type: 'string' | 'boolean') =>
    Object.keys(options).filter((name) => options[name]?.type === type);
  const { argv: parsed, error } = parser.detailed(argv.map(asHelp), {
    string: namesOf('string'),
    boolean: namesOf('boolean'),
    // As yargs itself has it for `requiresArg`.
    narg: Object.fromEntries(namesOf('string').map((name) => [name, NaN])),
    configuration: PARSING,
  });
  if (error !== null) throw misuse(error.message);
  const { _: operands, '--': afterDashes = [], ...flags } = parsed as Parsed;
  // The parser knows a switch that is negated, although it does not negate it.
  const strange = Object.keys(flags).filter((name) => !Object.hasOwn(options, name));
  if (strange.length > 0)
    throw misuse(`Unknown argument${strange.length > 1 ? 's' : ''}: ${strange.join(', ')}`);
  const unknown = operands.find((operand) => /^-[A-Za-z-]/.test(operand));
  if (unknown !== undefined) throw misuse(`unknown option ${printable(unknown)}`);
  return { operands: [...operands, ...afterDashes], flags };
}

/** No operand begins with a letter, so that this one needs no place of its own. */
function asHelp(argument: string): string {
  return argument === '-h' ? '--help' : argument;
}

/** Flags by name, and what the parser puts beside them. */
type Parsed = Flags & { readonly _: readonly string[]; readonly '--'?: readonly string[] };

/** The error of a command line that makes no sense. */
export const misuseOf = (command: string, message: string): VgpuError =>
  new VgpuError('USAGE', `${message}; see ${command} --help`);

/** The parser takes every value of a switch but `true` for false, and so would `--plain=1`. */
function isOddSwitch(argument: string, settings: SettingTable): boolean {
  const name = Object.keys(settings).find((setting) => argument.startsWith(`--${setting}=`));
  return (
    name !== undefined && settings[name]?.isSwitch === true && !/=(?:true|false)$/.test(argument)
  );
}

function optionOf(name: string, { isSwitch, describe: text }: Setting<unknown>): Options {
  const describe = `${text} (${variableOf(name)})`;
  return isSwitch ? { type: 'boolean', describe } : { type: 'string', requiresArg: true, describe };
}
