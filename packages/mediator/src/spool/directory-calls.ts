import type { BigIntStats } from 'node:fs';
import { loadAddon } from '../native.js';
import { NativeCalls } from './native-calls.js';
import { ProcCalls } from './proc-calls.js';

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
 * of the name, and none blocks.
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
  rename(from: string, to: string): void;
  /** Fails with `EEXIST` where the new name is taken. */
  renameNoReplace(from: string, to: string): void;
  unlink(name: string): void;
  rmdir(name: string): void;
}

/** @param path Leads to the directory whatever has its name by now. */
export function callsOn(directory: number, path: string): DirectoryCalls {
  const addon = loadAddon();
  return addon === undefined ? new ProcCalls(path) : new NativeCalls(addon, directory, path);
}
