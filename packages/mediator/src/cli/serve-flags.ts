import type { Options as YargsOptions } from 'yargs';
import parser from 'yargs-parser';
import { MediatorError } from '../mediator-error.js';
import { type Flags, LOCATION, toggle, value } from './commands/command.js';
import { BACKENDS, LOG_FORMATS, LOG_LEVELS } from './options.js';

/** The options of `serve`, which may also stand before it. */
export const SERVE_OPTIONS: Readonly<Record<string, YargsOptions>> = {
  root: LOCATION.root,
  'state-dir': LOCATION['state-dir'],
  backend: value(`${BACKENDS.join(', ')} [default: auto]`),
  devices: value('all, or device numbers, such as 0,1 [default: all]'),
  'cpu-delay': value('make the CPU device that slow, ms [default: 0]'),
  'poll-interval': value('look at VM directories so often, ms [default: 1000]'),
  settle: value('accept a request without newline after so long, ms [default: 200]'),
  'max-queued-per-vm': value('requests of one VM in the queue [default: 64]'),
  aging: value('raise what waits by a level each so many seconds [default: never]'),
  'exec-limit': value('an operation that takes longer failed, ms [default: 10000]'),
  retention: value('keep answers that nobody fetches so long, ms [default: 3600000]'),
  'require-registration': toggle('serve none but registered VMs'),
  'rate-limit': value('requests per second of one VM [default: no limit]'),
  'rate-burst': value('requests of one VM at once within that [default: of one second]'),
  http: value('metrics and a page, at host:port or unix:<path> [default: none]'),
  'http-token': value('what one has to give to see them; better as VGPU_HTTP_TOKEN'),
  once: toggle('serve what is there, then exit'),
  config: value('JSON file with these options'),
  'log-level': value(`${LOG_LEVELS.join(', ')} [default: info]`),
  'log-format': value(`${LOG_FORMATS.join(', ')} [default: pretty]`),
  'check-config': toggle('check these options and the files that they name, then exit'),
  'print-config': toggle('print what counts, and where it is from, then exit'),
  json: toggle('with one of these two: print the result as JSON'),
};

/** How the help groups options of `serve`; the others stand under its general heading. */
export const SERVE_GROUPS: Readonly<Record<string, readonly string[]>> = {
  'Devices:': ['backend', 'devices', 'cpu-delay', 'exec-limit'],
  'Virtual machines:': [
    ...['require-registration', 'max-queued-per-vm', 'rate-limit', 'rate-burst', 'aging'],
    ...['poll-interval', 'settle', 'retention'],
  ],
  'Looking on:': ['http', 'http-token', 'log-level', 'log-format'],
  'Configuration:': ['config', 'check-config', 'print-config', 'json'],
};

/** How yargs is to read a command line. */
export const PARSING = {
  'camel-case-expansion': false,
  'duplicate-arguments-array': false,
  'parse-positional-numbers': false,
};

/**
 * The flags of a command line that says to serve and leaves nothing to be said about it; undefined for
 * every other one. The parser of yargs alone is loaded in a fraction of the time of yargs.
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
 * The parser takes every value of a switch but `true` for false, and so would
 * `--require-registration=yes`.
 *
 * @param flags What the parser made of these arguments.
 * @throws MediatorError `USAGE`.
 */
export function refuseOddSwitches(argv: readonly string[], flags: Flags): void {
  for (const argument of argv) {
    const [, name = '', text = ''] = /^--([^=]+)=(.*)$/s.exec(argument) ?? [];
    if (typeof flags[name] !== 'boolean' || text === 'true' || text === 'false') continue;
    throw new MediatorError('USAGE', `--${name} stands alone, or with =true or =false`);
  }
}

function namesOf(type: 'string' | 'boolean'): string[] {
  return Object.keys(SERVE_OPTIONS).filter((name) => SERVE_OPTIONS[name]?.type === type);
}
