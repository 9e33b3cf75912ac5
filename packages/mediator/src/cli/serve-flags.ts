import type { Options as YargsOptions } from 'yargs';
import parser from 'yargs-parser';
import { helpOf, repeatedOption } from '@vgpu/protocol/cli';
import { MediatorError } from '../mediator-error.js';
import { type Flags, toggle, value } from './commands/command.js';
import { CONFIG_OPTION, CONFIGURATION_GROUP, OPTION_NAMES, OPTIONS } from './options.js';

const inConfigurationGroup = (option: YargsOptions): YargsOptions => ({
  ...option,
  group: CONFIGURATION_GROUP,
});

/** The options of `serve`, which may also stand before it. */
export const SERVE_OPTIONS: Readonly<Record<string, YargsOptions>> = {
  ...Object.fromEntries(
    OPTION_NAMES.map((name) => {
      const { takes, group } = OPTIONS[name];
      const text = helpOf(OPTIONS[name]);
      const option = takes === undefined ? toggle(text) : value(text);
      return [name, group === undefined ? option : { ...option, group }];
    }),
  ),
  config: inConfigurationGroup(value(helpOf(CONFIG_OPTION))),
  'check-config': inConfigurationGroup(
    toggle('check these options and the files that they name, then exit'),
  ),
  'print-config': inConfigurationGroup(
    toggle('print the effective configuration and the source of each value, then exit'),
  ),
  json: inConfigurationGroup(toggle('with one of these two: print the result as JSON')),
};

/** How yargs is to read a command line. */
export const PARSING = {
  'camel-case-expansion': false,
  'duplicate-arguments-array': false,
  'parse-positional-numbers': false,
};

/**
 * The flags of a command line that only serves; undefined for every other one. The parser of yargs
 * alone loads in a fraction of the time of yargs.
 */
export function plainServeFlags(argv: readonly string[]): Flags | undefined {
  const { argv: parsed, error } = parser.detailed([...argv], {
    string: namesOf('string'),
    boolean: namesOf('boolean'),
    // As yargs itself has it for `requiresArg`.
    narg: Object.fromEntries(namesOf('string').map((name) => [name, NaN])),
    configuration: PARSING,
  });
  const { _: words, ...flags } = parsed;
  const isServe = words.length === 0 || (words.length === 1 && words[0] === 'serve');
  const isKnown = Object.keys(flags).every((name) => Object.hasOwn(SERVE_OPTIONS, name));
  return error === null && isServe && isKnown && !argv.includes('--') ? flags : undefined;
}

/**
 * Refuses mistakes that the parser accepts: a switch with another value than true or false, which
 * it takes for false, and an option that is given twice, of which it takes the last value.
 *
 * @param flags What the parser made of these arguments.
 * @throws MediatorError `USAGE`.
 */
export function refuseMisuse(argv: readonly string[], flags: Flags): void {
  for (const argument of argv) {
    const [, name = '', text = ''] = /^--([^=]+)=(.*)$/s.exec(argument) ?? [];
    if (typeof flags[name] !== 'boolean' || text === 'true' || text === 'false') continue;
    throw new MediatorError('USAGE', `--${name} stands alone, or with =true or =false`);
  }
  const repeated = repeatedOption(argv, (name) => typeof flags[name] === 'string');
  if (repeated !== undefined) {
    throw new MediatorError('USAGE', `--${repeated} is given more than once: give it one value`);
  }
}

function namesOf(type: 'string' | 'boolean'): string[] {
  return Object.keys(SERVE_OPTIONS).filter((name) => SERVE_OPTIONS[name]?.type === type);
}
