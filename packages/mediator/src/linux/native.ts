import { loadOwnAddon } from '../own-package.js';

/** The functions of `native/addon.cc`. Where they fail they give a negative number of errno(3). */
export interface NativeAddon {
  /** SHA-256 of the sources that it was built from. */
  readonly sourceHash: string;
  /** `stats` has room for ten numbers, which `stats_of` in `native/files.cc` lists. */
  statAt(directory: number, name: string, stats: BigInt64Array): number;
  readAt(directory: number, name: string, bytes: Uint8Array, stats: BigInt64Array): number;
  createAt(
    directory: number,
    name: string,
    content: string,
    mode: number,
    uid: bigint,
    gid: bigint,
    mtimeNs: bigint,
  ): number;
  openAt(directory: number, name: string): number;
  /** A descriptor that keeps what has the name, of any kind and mode (`O_PATH`). */
  holdAt(directory: number, name: string): number;
  /** `flags` as those of renameat2(2). */
  renameAt(directory: number, from: string, to: string, flags: number): number;
  linkAt(directory: number, from: string, to: string): number;
  /** Has a thread remove a name; gives what is outstanding for this directory. */
  removeLater(directory: number, name: string): number;
  removeDirectoryLater(directory: number, name: string): number;
  /** Has a thread close a descriptor; that of the directory itself comes last. */
  closeLater(directory: number, descriptor: number): number;
  outstanding(directory: number): number;
  /**
   * Watches a directory for events of inotify(7), and tells of names that begin with `request`, and how
   * many other events there were; and through one of the watches that events were lost (IN_Q_OVERFLOW).
   *
   * @returns a number for `unwatch`.
   */
  watch(
    path: string,
    events: number,
    onEvents: (names: string[], others: number, areLost: boolean) => void,
  ): number;
  unwatch(watch: number): void;
  /** Sends a text to a datagram socket, by its path or, with `@` before it, its abstract name. */
  notify(socketPath: string, text: string): number;
  /** Locks an open file, for nobody else to lock it as well; fails with `EAGAIN` if somebody else has. */
  flock(file: number): number;
  /** Ends the process at once, whatever its threads are doing (`_exit(2)`). */
  exit(status: number): never;
}

let addon: NativeAddon | false | undefined;

/**
 * The addon that comes with the package, for Linux on x64; undefined elsewhere. What it does Node can do
 * as well, by longer ways.
 */
export function loadAddon(): NativeAddon | undefined {
  addon ??= load() ?? false;
  return addon === false ? undefined : addon;
}

function load(): NativeAddon | undefined {
  try {
    return loadOwnAddon('vgpu_spool') as NativeAddon;
  } catch {
    return undefined;
  }
}
