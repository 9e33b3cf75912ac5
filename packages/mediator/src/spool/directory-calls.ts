import type { BigIntStats } from 'node:fs';

/** What stat(2) tells of a file. */
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

/** A look at an open file, and how much was read of it. */
export interface Reading {
  readonly stats: FileStats;
  readonly bytes: number;
}

export interface FileAttributes {
  /** Permissions, whatever the umask. */
  readonly mode: number;
  /** Whose it is to be, where this process may give it away. */
  readonly uid: bigint;
  readonly gid: bigint;
  /** Nanoseconds since the epoch; the current time if there is none. */
  readonly mtimeNs?: bigint | undefined;
}

/**
 * System calls on the names that are directly in one open directory. None follows a link in the place
 * of the name, and none blocks. None frees what may be large in this thread: where that may be, the
 * call's name ends in `Later`.
 *
 * @throws from each the error of the system call, with `code` and `errno` as those of `node:fs`.
 */
export interface DirectoryCalls {
  /** Undefined if there is no such name. */
  lstat(name: string): FileStats | undefined;
  /** Opens a file, looks at it, reads it once if it is a regular one with one name that fits, closes it. */
  read(name: string, bytes: Uint8Array): Reading;
  /** Makes a file that is not there yet; may leave it behind if it fails. */
  create(name: string, content: string, attributes: FileAttributes): void;
  /** A descriptor for reading; one of a FIFO does not wait for a writer. */
  open(name: string): number;
  /** A descriptor that keeps what has the name, whatever its kind and mode (`O_PATH` in open(2)). */
  hold(name: string): number;
  /** Not over a name that a guest can give to a file: to free that may take seconds. */
  rename(from: string, to: string): void;
  /** Fails with `EEXIST` over a name; with `EINVAL` or `ENOSYS` where that is not known. */
  renameNew(from: string, to: string): void;
  /** Gives two names to each other's files; fails with `EINVAL` or `ENOSYS` where that is not known. */
  exchange(one: string, other: string): void;
  link(from: string, to: string): void;
  /** Has a thread remove a name, but no directory, and forget about failures; gives `outstanding`. */
  removeLater(name: string): number;
  /** Has a thread remove a directory, if it is empty, and forget about failures. */
  removeDirectoryLater(name: string): void;
  /** Has a thread close a descriptor; that of the directory itself, after all else; gives `outstanding`. */
  closeLater(descriptor: number): number;
  /** What a thread has still to do for this directory. */
  readonly outstanding: number;
}
