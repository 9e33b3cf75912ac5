import { WORDS } from '@vgpu/protocol/cli';
import { MediatorError } from '../mediator-error.js';
import type { CommandLine, Flags } from './commands/command.js';
import { plainServeFlags, refuseMisuse } from './serve-flags.js';

/**
 * Reads the command line.
 *
 * @param version Returns the version of the program.
 * @throws MediatorError `USAGE`.
 */
export async function parseCommandLine(
  argv: readonly string[],
  version: () => string,
): Promise<CommandLine> {
  const [command, argument] = argv;
  if (command === 'completion' && argument === WORDS) {
    return {
      command: 'administer',
      run: async (context) =>
        (await import('./complete.js')).printCandidates(argv.slice(2), context),
    };
  }
  const flags = plainServeFlags(argv);
  if (flags !== undefined) return serveOrShow(argv, flags);
  const { parseByYargs } = await import('./any-command-line.js');
  const line = await parseByYargs(argv, version());
  return line.command === 'serve' ? serveOrShow(argv, line.flags) : line;
}

/** Serves, or checks or prints the configuration if the flags say so. */
function serveOrShow(argv: readonly string[], flags: Flags): CommandLine {
  refuseMisuse(argv, flags);
  const { 'check-config': check, 'print-config': print, json } = flags;
  if (check === true && print === true) {
    throw new MediatorError('USAGE', 'expected --check-config or --print-config, got both');
  }
  if (check === true) {
    return {
      command: 'administer',
      run: async (context) => (await import('./check-config.js')).checkConfig(flags, context),
    };
  }
  if (print === true) {
    return {
      command: 'administer',
      run: async (context) => (await import('./print-config.js')).printConfig(flags, context),
    };
  }
  if (json === true) {
    throw new MediatorError(
      'USAGE',
      '--json needs --check-config or --print-config; for a log in JSON, use --log-format json',
    );
  }
  return { command: 'serve', flags };
}
