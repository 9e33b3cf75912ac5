import { SOURCE_HASH } from './constants.js';
import { LinuxError } from './linux-error.js';
import { loadAddon } from './load-addon.js';
import { ownFiles } from './own-files.js';

/** A system call that failed. */
export interface SystemFailure {
  /** The call. */
  readonly operation: 'open' | 'fstat' | 'mmap';
  /** A number of errno(3), positive. */
  readonly errno: number;
}

/** A file has fewer bytes than were to be read. */
export interface TooShort {
  /** How many it has. */
  readonly size: number;
}

/**
 * The functions of this package's addon (`native/addon.cc`). Where they fail they give a negative number of
 * errno(3), unless said otherwise. Names are those of entries directly in an open directory: nothing is
 * followed, and nothing blocks.
 */
export interface NativeAddon {
  /** SHA-256 of the sources that it was built from. */
  readonly sourceHash: string;

  /**
   * What fstatat(2) tells of a name.
   *
   * @param directory The descriptor of an open directory.
   * @param name An entry in it.
   * @param stats Gets ten numbers: dev, ino, mode, nlink, uid, gid, size, blocks, and in nanoseconds since
   *   the epoch mtime and ctime.
   */
  statAt(directory: number, name: string, stats: BigInt64Array): number;

  /**
   * Reads a file once, if it is a regular one that has one name and fits.
   *
   * @param directory The descriptor of an open directory.
   * @param name An entry in it.
   * @param bytes Gets the content.
   * @param stats As for {@link statAt}, of the file that was opened.
   * @returns How many bytes were read.
   */
  readAt(directory: number, name: string, bytes: Uint8Array, stats: BigInt64Array): number;

  /**
   * Makes a new file. What cannot be given away stays ours: only root may do that.
   *
   * @param directory The descriptor of an open directory.
   * @param name An entry in it, which must not exist.
   * @param content A byte for each character.
   * @param mode Whatever the umask is.
   * @param uid The owner.
   * @param gid The group.
   * @param mtimeNs Nanoseconds since the epoch; negative to leave it alone.
   */
  createAt(
    directory: number,
    name: string,
    content: string,
    mode: number,
    uid: bigint,
    gid: bigint,
    mtimeNs: bigint,
  ): number;

  /**
   * Opens a file for reading.
   *
   * @param directory The descriptor of an open directory.
   * @param name An entry in it.
   * @returns A descriptor.
   */
  openAt(directory: number, name: string): number;

  /**
   * Keeps what has a name, of any kind and mode (`O_PATH`).
   *
   * @param directory The descriptor of an open directory.
   * @param name An entry in it.
   * @returns A descriptor.
   */
  holdAt(directory: number, name: string): number;

  /**
   * Renames an entry.
   *
   * @param directory The descriptor of an open directory.
   * @param from The entry's name.
   * @param to Its new name.
   * @param flags As those of renameat2(2).
   */
  renameAt(directory: number, from: string, to: string, flags: number): number;

  /**
   * Gives an entry one more name.
   *
   * @param directory The descriptor of an open directory.
   * @param from The entry's name.
   * @param to The new name.
   */
  linkAt(directory: number, from: string, to: string): number;

  /**
   * Has a thread remove a name: to free a large file takes the kernel seconds on some disks.
   *
   * @param directory The descriptor of an open directory, which stays open until {@link closeLater}.
   * @param name An entry in it.
   * @returns What is outstanding for this directory: 1 for each name, 16 for each descriptor.
   */
  removeLater(directory: number, name: string): number;

  /**
   * The same for an empty directory.
   *
   * @param directory The descriptor of an open directory, which stays open until {@link closeLater}.
   * @param name An entry in it.
   * @returns What is outstanding for this directory.
   */
  removeDirectoryLater(directory: number, name: string): number;

  /**
   * Has a thread close a descriptor. That of the directory itself comes last.
   *
   * @param directory The descriptor of an open directory.
   * @param descriptor Of a file from it, or the directory's own.
   * @returns What is outstanding for this directory.
   */
  closeLater(directory: number, descriptor: number): number;

  /**
   * What the threads have not done yet.
   *
   * @param directory The descriptor of an open directory.
   */
  outstanding(directory: number): number;

  /**
   * Watches a directory by inotify(7). Does not keep the process alive.
   *
   * @param path The directory.
   * @param events As those of inotify_add_watch(2).
   * @param prefix What the names begin with that are told.
   * @param onEvents Is told those names, once for each event, how many events there were besides, and that
   *   the kernel's queue was full, which one of the watches with this prefix is told.
   * @returns A number for {@link unwatch}.
   */
  watch(
    path: string,
    events: number,
    prefix: string,
    onEvents: (names: string[], others: number, areLost: boolean) => void,
  ): number;

  /**
   * Ends a watch.
   *
   * @param watch Its number.
   */
  unwatch(watch: number): void;

  /**
   * Sends a text to a datagram socket. Never waits.
   *
   * @param socketPath Its path or, after an `@`, its abstract name.
   * @param text What is sent.
   */
  notify(socketPath: string, text: string): number;

  /**
   * Locks an open file by flock(2), until it is closed. Never waits.
   *
   * @param file Its descriptor.
   * @returns 0, or a negative number of errno(3): that of `EAGAIN` where it is locked already.
   */
  flock(file: number): number;

  /**
   * Maps the start of a file and reads words of 32 bits from it, each by one load.
   *
   * @param path The file.
   * @param count How many words, at most 1024.
   * @returns The bytes as the file has them.
   */
  readWords(path: string, count: number): Uint8Array | SystemFailure | TooShort;

  /**
   * Ends the process at once, whatever its threads are doing (`_exit(2)`).
   *
   * @param status The exit status.
   */
  exit(status: number): never;
}

let outcome: { readonly addon: NativeAddon } | { readonly error: LinuxError } | undefined;

/**
 * The addon of this package, which is loaded at the first call.
 *
 * @throws {LinuxError} What {@link loadAddon} throws; the same at each call.
 */
export function requireAddon(): NativeAddon {
  outcome ??= load();
  if ('addon' in outcome) return outcome.addon;
  throw outcome.error;
}

/** The same for what can be done without it, too: undefined where none loads. */
export function addonIfAny(): NativeAddon | undefined {
  outcome ??= load();
  return 'addon' in outcome ? outcome.addon : undefined;
}

function load(): typeof outcome & object {
  const description = { from: ownFiles, name: 'vgpu_linux', sourceHash: SOURCE_HASH };
  try {
    return { addon: loadAddon(description) as NativeAddon };
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    return { error };
  }
}
