/** What a local share gives at once and a network share later: callers `await` both. */
export type Awaitable<T> = T | Promise<T>;

/**
 * A VM's directory: all that this package does to its files. Names are those of files directly in
 * it. No operation follows a symbolic link that stands in a file's place, or waits for the other
 * end of a FIFO. Failures are those of the system, as Node reports them.
 */
export interface Share {
  /** Creates a file with this text in it; fails with EEXIST where the name is taken. */
  create(name: string, text: string): Awaitable<void>;
  /**
   * Leaves nothing of an older answer: an empty file or none, whichever lets the next answer be seen
   * sooner on this file system.
   */
  clearAnswer(name: string): Awaitable<void>;
  /** Renames a file, over another one if there is one. */
  rename(from: string, to: string): Awaitable<void>;
  /** A file's text, one character per byte: at most 64 KiB and one byte of it. */
  read(name: string): Awaitable<string>;
  /** The same of a file that others may have removed since it was used here; undefined if it is gone. */
  readIfThere(name: string): Awaitable<string | undefined>;
  /**
   * Whether a response belongs to the request that stands there, or came after it: the mediator gives it the
   * ctime of its request as mtime.
   */
  isResponseTo(response: string, request: string): Awaitable<boolean>;
  /** Removes a file; false if there was none. */
  remove(name: string): Awaitable<boolean>;
}
