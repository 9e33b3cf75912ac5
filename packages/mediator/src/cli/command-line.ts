import { MediatorError } from '../mediator-error.js';
import type { CommandLine, Flags } from './commands/command.js';
import { WORDS } from './completion-script.js';
import { plainServeFlags, refuseOddSwitches } from './serve-flags.js';

/**
 * Reads the command line.
 *
 * @param version Gives the version of the program.
 * @throws MediatorError `USAGE`.
 */
export async function parseCommandLine(
  argv: readonly string[],
  version: () => string,
): Promise<CommandLine> {
  const [command, asked] = argv;
  if (command === 'completion' && asked === WORDS) {
    return {
      command: 'administer',
      run: async (surroundings) =>
        (await import('./complete.js')).printCandidates(argv.slice(2), surroundings),
    };
  }
  const flags = plainServeFlags(argv);
  if (flags !== undefined) return serveOrLook(argv, flags);
  const { parseByYargs } = await import('./any-command-line.js');
  const line = await parseByYargs(argv, version());
  return line.command === 'serve' ? serveOrLook(argv, line.flags) : line;
}

/** To serve, unless the flags say only to look at the configuration. */
function serveOrLook(argv: readonly string[], flags: Flags): CommandLine {
  refuseOddSwitches(argv, flags);
  const { 'check-config': check, 'print-config': print, json } = flags;
  if (check === true && print === true) {
    throw new MediatorError('USAGE', 'expected --check-config or --print-config, got both');
  }
  if (check === true) {
    return {
      command: 'administer',
      run: async (surroundings) =>
        (await import('./check-config.js')).checkConfig(flags, surroundings),
    };
  }
  if (print === true) {
    return {
      command: 'administer',
      run: async (surroundings) =>
        (await import('./print-config.js')).printConfig(flags, surroundings),
    };
  }
  if (json === true) {
    throw new MediatorError(
      'USAGE',
      '--json goes with --check-config or --print-config; for a log of JSON, give --log-format json',
    );
  }
  return { command: 'serve', flags };
}
