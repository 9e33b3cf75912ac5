/** Watches one file for as long as a call waits for it. */
export interface Change {
  /**
   * Resolves when the file may have changed since the last call, and after some time in any case.
   * One call at a time.
   */
  happened(): Promise<void>;
  /** Lets go of the file: from now on {@link happened} resolves at once, also one that waits. */
  stop(): void;
}

/** How calls learn that an answer may have come: one strategy each for local and other shares. */
export interface Changes {
  /** Starts to watch a file of the VM's directory, which need not exist yet. */
  of(name: string): Change;
  /** Lets go of all that is held, once the last file is let go of. */
  close(): void;
}
