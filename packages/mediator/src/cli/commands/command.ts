import type { Argv, Options } from 'yargs';

/** What stands on the command line, by name without dashes; values are text, or true for a switch. */
export type Flags = Readonly<Record<string, unknown>>;

/** What a command that is done at once uses of its process. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether a person reads the output. */
  readonly isTerminal: boolean;
  /** Prints a result: a line, or some, on stdout. */
  readonly print: (text: string) => void;
  /** Says what is not the result, on stderr. */
  readonly note: (text: string) => void;
}

/** A command of an administrator: done at once, beside a mediator that may be running. */
export interface Command {
  /** Its name and its positional arguments, such as `add <id>`. */
  readonly usage: string;
  readonly summary: string;
  readonly build: (parser: Argv) => Argv;
  /** @throws MediatorError: why it could not be done. */
  readonly run: (flags: Flags, surroundings: Surroundings) => void;
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

/** The options that say which mediator is meant; every command has them. */
export const LOCATION = {
  root: value('directory that holds the VM directories [default: /var/vgpu]'),
  'state-dir': value("the mediator's own directory [default: <root>-state]"),
  config: value('JSON file with options of the mediator'),
};
