import type { ExitCode } from '@vgpu/protocol';
import type { Environment, Flags, Setting } from './settings.js';

/** The part of a stream that a progress bar needs. */
export type Display = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'> & {
  readonly write: (text: string) => boolean;
};

/** What the program gets from its process. */
export interface CliContext {
  /** Without the names of Node and of the script. */
  readonly argv: readonly string[];
  readonly env: Environment;
  /** Withdraws the requests in flight. */
  readonly signal: AbortSignal;
  /** Writes a line to standard output. */
  readonly print: (line: string) => void;
  /** Writes a line to standard error. */
  readonly report: (line: string) => void;
  /** Standard error itself, for a progress bar. */
  readonly stderr: Display;
}

/** Options of a command, by the names of their flags. */
export interface SettingTable {
  readonly [name: string]: Setting<unknown>;
  readonly json: Setting<boolean>;
}

/** A parsed command line. Names are checked, values are not. */
export interface Arguments {
  readonly operands: readonly string[];
  readonly flags: Flags;
}

/** A command of the program. */
export interface Command {
  /** What the user types to run it. */
  readonly name: string;
  readonly settings: SettingTable;
  /** The text of its help. */
  readonly help: () => Promise<string>;
  /** @throws an error for which {@link exitCodeOf} has a status. */
  readonly run: (line: Arguments, context: CliContext) => Promise<ExitCode>;
}
