import type { Options } from 'yargs';
import parser from 'yargs-parser';
import { printable } from '@vgpu/protocol';
import { helpOf, repeatedOption, variableOf } from '@vgpu/protocol/cli';
import { VgpuError } from '../errors.js';
import type { Arguments, Command, SettingTable } from './command.js';
import type { Flags, Setting } from './settings.js';

/** Every option of a command with these settings, for yargs. */
export const optionsOf = (settings: SettingTable): Readonly<Record<string, Options>> => ({
  ...Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [name, optionOf(name, setting)]),
  ),
  help: { type: 'boolean', describe: 'print this help' },
  version: { type: 'boolean', describe: 'print the version' },
});

/** How yargs is to read a command line. */
export const PARSING = {
  // An operand such as -1,-2 is not an option; misspelled options are found afterwards.
  'unknown-options-as-args': true,
  'parse-positional-numbers': false,
  'populate--': true,
  'boolean-negation': false,
  'camel-case-expansion': false,
  'dot-notation': false,
  'duplicate-arguments-array': false,
};

/**
 * Parses a command line. An argument that starts with a minus sign and a digit is an operand, and
 * operands stay text: as JavaScript numbers, `1e3` and `0x10` would be accepted.
 *
 * This needs only the parser of yargs; the rest of yargs, which takes longer to load than
 * everything else, is for the help.
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
  // The parser accepts a negated switch, although it does not negate it.
  const strange = Object.keys(flags).filter((name) => !Object.hasOwn(options, name));
  if (strange.length > 0)
    throw misuse(`Unknown argument${strange.length > 1 ? 's' : ''}: ${strange.join(', ')}`);
  const repeated = repeatedOption(argv, (name) => options[name]?.type === 'string');
  if (repeated !== undefined)
    throw misuse(`--${repeated} is given more than once: give it one value`);
  const unknown = operands.find((operand) => /^-[A-Za-z-]/.test(operand));
  if (unknown !== undefined) throw misuse(`unknown option ${printable(unknown)}`);
  return { operands: [...operands, ...afterDashes], flags };
}

/** `-h` cannot be an operand, since none begins with a letter. */
function asHelp(argument: string): string {
  return argument === '-h' ? '--help' : argument;
}

/** Flags by name, and the keys that the parser adds. */
type Parsed = Flags & { readonly _: readonly string[]; readonly '--'?: readonly string[] };

/** The error for an invalid command line. */
export const misuseOf = (command: string, message: string): VgpuError =>
  new VgpuError('USAGE', `${message}; see ${command} --help`);

/** The parser takes every value of a switch except `true` for false, also `--plain=1`. */
function isOddSwitch(argument: string, settings: SettingTable): boolean {
  const name = Object.keys(settings).find((setting) => argument.startsWith(`--${setting}=`));
  return name !== undefined && isSwitch(settings[name]) && !/=(?:true|false)$/.test(argument);
}

function optionOf(name: string, setting: Setting<unknown>): Options {
  const describe = `${helpOf(setting)} (${variableOf(name)})`;
  return isSwitch(setting)
    ? { type: 'boolean', describe }
    : { type: 'string', requiresArg: true, describe };
}

/** Whether an option has no value. */
export function isSwitch(setting: Setting<unknown> | undefined): boolean {
  return setting !== undefined && setting.takes === undefined;
}
