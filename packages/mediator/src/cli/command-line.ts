import type { ExitCode } from '@vgpu/protocol';
import type { Flags, Surroundings } from './commands/command.js';
import { plainServeFlags } from './serve-flags.js';

export type CommandLine =
  | { readonly command: 'serve'; readonly flags: Flags }
  /** Something that is done beside a mediator that may be running. */
  | {
      readonly command: 'administer';
      readonly run: (surroundings: Surroundings) => Promise<ExitCode>;
    }
  /** `--help` or `--version`: print and be done. */
  | { readonly command: 'print'; readonly text: string };

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
  const flags = plainServeFlags(argv);
  if (flags !== undefined) return { command: 'serve', flags };
  const { parseByYargs } = await import('./any-command-line.js');
  return parseByYargs(argv, version());
}
