import type { Argv, Options } from 'yargs';
import type { ExitCode } from '@vgpu/protocol';
import { helpOf } from '@vgpu/protocol/cli';
import { CONFIG_OPTION, OPTIONS } from '../options.js';

/** Flags of the command line by name, without dashes; values are text, or true or false for a switch. */
export type Flags = Readonly<Record<string, unknown>>;

/** What a command gets from its process. */
export interface CliContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The absolute paths that run this program: of Node and of its script. */
  readonly program: () => readonly string[];
  /** Whether a person reads the output. */
  readonly isTerminal: boolean;
  /** How many lines the terminal shows at once; 0 if unknown. */
  readonly terminalRows: () => number;
  /** Prints lines of the result on stdout. */
  readonly print: (text: string) => void;
  /** Writes text to stdout unchanged. */
  readonly write: (text: string) => void;
  /** Settles once all printed text is written, or cannot be. */
  readonly written: () => Promise<void>;
  /** Prints a message that is not a part of the result, on stderr. */
  readonly note: (text: string) => void;
  /**
   * Aborted by SIGINT or SIGTERM, which no longer end the process once this is called; and as soon as the
   * output cannot be written, because its reader has closed it or the disk is full.
   */
  readonly interruption: () => AbortSignal;
}

/** A command of an administrator; a mediator may be running at the same time. */
export interface Command {
  /** Its name and its positional arguments, such as `add <id>`. */
  readonly usage: string;
  readonly summary: string;
  readonly build: (parser: Argv) => Argv;
  /** @throws MediatorError if it cannot be done. */
  readonly run: (flags: Flags, context: CliContext) => Promise<ExitCode>;
}

/** Commands that belong together: `vm add`, `vm list`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Command[];
}

/**
 * An option with a value. The parser leaves values as text, so that one schema checks them,
 * whichever source they come from.
 */
export const value = (describe: string) =>
  ({ type: 'string', requiresArg: true, describe }) as const satisfies Options;

/** An option without a value. */
export const toggle = (describe: string) =>
  ({ type: 'boolean', describe }) as const satisfies Options;

/** Every command has it. */
export const JSON_OPTION = { json: toggle('print the result as JSON') };

/** The options that select a mediator; every command has them. */
export const LOCATION = {
  root: value(helpOf(OPTIONS.root)),
  'state-dir': value(helpOf(OPTIONS['state-dir'])),
  config: value(helpOf(CONFIG_OPTION)),
};

/** What a command line asks for. */
export type CommandLine =
  | { readonly command: 'serve'; readonly flags: Flags }
  /** A command of an administrator. */
  | {
      readonly command: 'administer';
      readonly run: (context: CliContext) => Promise<ExitCode>;
    }
  /** `--help` or `--version`. */
  | { readonly command: 'print'; readonly text: string };
