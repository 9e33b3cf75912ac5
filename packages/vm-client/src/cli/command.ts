import type { ExitCode } from '@vgpu/protocol';
import type { Flags, Setting } from './settings.js';
import type { Surroundings } from './surroundings.js';

/** Options of a command, by the names of their flags. */
export interface SettingTable {
  readonly [name: string]: Setting<unknown>;
  readonly json: Setting<boolean>;
}

/** What stands on a command line. Names are checked, values are not. */
export interface Arguments {
  readonly operands: readonly string[];
  readonly flags: Flags;
}

/** Something that the program does. */
export interface Command {
  /** As it is called. */
  readonly name: string;
  readonly settings: SettingTable;
  /** The text of its help. */
  readonly help: () => Promise<string>;
  /** @throws What {@link exitCodeOf} knows a status for. */
  readonly run: (line: Arguments, surroundings: Surroundings) => Promise<ExitCode>;
}
