import type { BigIntStats } from 'node:fs';

/** A file's attributes, as stat(2) reports them. */
export type FileStats = Pick<
  BigIntStats,
  | 'dev'
  | 'ino'
  | 'mode'
  | 'nlink'
  | 'uid'
  | 'gid'
  | 'size'
  | 'blocks'
  | 'mtimeNs'
  | 'ctimeNs'
  | 'isFile'
  | 'isDirectory'
  | 'isSymbolicLink'
  | 'isFIFO'
  | 'isSocket'
>;

/** The attributes of an open file, and the number of bytes read from it. */
export interface Reading {
  readonly stats: FileStats;
  readonly bytes: number;
}

export interface FileAttributes {
  /** Permissions, regardless of the umask. */
  readonly mode: number;
  /** The owner, if this process may give files away. */
  readonly uid: bigint;
  readonly gid: bigint;
  /** Nanoseconds since the epoch; the current time if absent. */
  readonly mtimeNs?: bigint | undefined;
}

/**
 * System calls on the names directly in one open directory. No call follows a symbolic link that has the
 * name, and no call blocks. No call frees a possibly large file in this thread: calls that may free one
 * run in another thread, and their names end in `Later`.
 *
 * @throws from each call the error of the system call, with `code` and `errno` as those of `node:fs`.
 */
export interface DirectoryCalls {
  /** Undefined if there is no such name. */
  lstat(name: string): FileStats | undefined;
  /** Opens a file and closes it; in between reads it once if it is a regular file with one link that fits. */
  read(name: string, bytes: Uint8Array): Reading;
  /** Creates a file, which must not exist yet; may leave it behind if the call fails. */
  create(name: string, content: string, attributes: FileAttributes): void;
  /** Opens a file for reading; a FIFO is opened without waiting for a writer. Returns the descriptor. */
  open(name: string): number;
  /** Opens a descriptor that keeps a file of any kind and mode (`O_PATH` in open(2)). */
  hold(name: string): number;
  /** Must not replace a file that a guest can name: freeing that file may take seconds. */
  rename(from: string, to: string): void;
  /** Fails with `EEXIST` if `to` exists; with `EINVAL` or `ENOSYS` if it is not supported. */
  renameNew(from: string, to: string): void;
  /** Exchanges the names of two files; fails with `EINVAL` or `ENOSYS` if it is not supported. */
  exchange(one: string, other: string): void;
  link(from: string, to: string): void;
  /** Has a thread remove a name that is not a directory's, ignoring failures; returns `outstanding`. */
  removeLater(name: string): number;
  /** Has a thread remove a directory if it is empty, ignoring failures. */
  removeDirectoryLater(name: string): void;
  /** Has a thread close a descriptor; the directory's own must be the last. Returns `outstanding`. */
  closeLater(descriptor: number): number;
  /** Number of calls that a thread has still to do for this directory. */
  readonly outstanding: number;
}
