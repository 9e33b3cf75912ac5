import type { ExitCode } from '@vgpu/protocol';
import type { Argv, Options } from 'yargs';

/** What stands on the command line, by name without dashes; values are text, or true for a switch. */
export type Flags = Readonly<Record<string, unknown>>;

/** What a command of an administrator uses of its process. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The absolute paths that run this program: of Node and of its script. */
  readonly program: () => readonly string[];
  /** Whether a person reads the output. */
  readonly isTerminal: boolean;
  /** How many lines that person sees at once; 0 if nobody knows. */
  readonly terminalRows: () => number;
  /** Prints a result: a line, or some, on stdout. */
  readonly print: (text: string) => void;
  /** Writes to stdout as it is. */
  readonly write: (text: string) => void;
  /** Settles once what was printed is written, or cannot be. */
  readonly written: () => Promise<void>;
  /** Says what is not the result, on stderr. */
  readonly note: (text: string) => void;
  /**
   * Aborted by SIGINT or SIGTERM, which end the process no more once this was called; and once the output
   * cannot be written, since nobody reads it or the disk is full.
   */
  readonly interruption: () => AbortSignal;
}

/** A command of an administrator, beside a mediator that may be running. */
export interface Command {
  /** Its name and its positional arguments, such as `add <id>`. */
  readonly usage: string;
  readonly summary: string;
  readonly build: (parser: Argv) => Argv;
  /** @throws MediatorError: why it could not be done. */
  readonly run: (flags: Flags, surroundings: Surroundings) => Promise<ExitCode>;
}

/** Commands that belong together: `vm add`, `vm list`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Command[];
}

/**
 * An option with a value. Values stay text on the command line, so that all sources of options are
 * checked by the same schema.
 */
export const value = (describe: string) =>
  ({ type: 'string', requiresArg: true, describe }) as const satisfies Options;

/** An option that stands alone. */
export const toggle = (describe: string) =>
  ({ type: 'boolean', describe }) as const satisfies Options;

/** Every command has it. */
export const JSON_OPTION = { json: toggle('print the result as JSON') };

/** The options that say which mediator is meant; every command has them. */
export const LOCATION = {
  root: value('directory that holds the VM directories [default: /var/vgpu]'),
  'state-dir': value("the mediator's own directory [default: <root>-state]"),
  config: value('JSON file with options of the mediator'),
};

/** What a command line asks for. */
export type CommandLine =
  | { readonly command: 'serve'; readonly flags: Flags }
  /** Something that is done instead, beside a mediator that may be running. */
  | {
      readonly command: 'administer';
      readonly run: (surroundings: Surroundings) => Promise<ExitCode>;
    }
  /** `--help` or `--version`: print and be done. */
  | { readonly command: 'print'; readonly text: string };
