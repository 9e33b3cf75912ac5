import type { Environment } from './settings.js';

/** What progress is drawn on: so much of a stream as that takes. */
export type Display = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'> & {
  readonly write: (text: string) => boolean;
};

/** What the program gets from the process that it runs in. */
export interface Surroundings {
  /** Without the names of Node and of the script. */
  readonly argv: readonly string[];
  readonly env: Environment;
  /** Withdraws what is under way. */
  readonly signal: AbortSignal;
  /** Writes a line to standard output. */
  readonly print: (line: string) => void;
  /** Writes a line to standard error. */
  readonly report: (line: string) => void;
  /** Standard error itself, for what is drawn on a terminal. */
  readonly stderr: Display;
}
