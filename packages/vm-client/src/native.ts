import { VgpuError } from './errors.js';
import { loadOwnAddon } from './own-package.js';
import { reasonOf } from './share-error.js';

/** A system call that failed: its name and its number in errno(3). */
export interface SystemFailure {
  readonly operation: 'open' | 'fstat' | 'mmap';
  readonly errno: number;
}

/** The file has fewer bytes than were to be read. */
interface TooShort {
  readonly size: number;
}

/** The functions of `native/addon.cc`. */
export interface NativeAddon {
  /** SHA-256 of the sources that it was built from. */
  readonly sourceHash: string;
  /**
   * Maps the start of a file and reads so many words of 32 bits, at most 1024, each by one load.
   * The bytes are those of the file.
   */
  readWords(path: string, count: number): Uint8Array | SystemFailure | TooShort;
  /**
   * Locks an open file for this process alone, by flock(2), until it is closed.
   *
   * @returns 0, or a negative number of errno(3): that of `EAGAIN` where it is locked already.
   */
  lock(descriptor: number): number;
  /**
   * Watches a directory for events of inotify(7), and tells of names that begin with `response`, and how
   * many other events there were. Does not keep the process alive.
   *
   * @returns a number for `unwatch`; a negative number of errno(3) if there is no watch.
   */
  watch(path: string, events: number, onEvents: (names: string[], others: number) => void): number;
  unwatch(watch: number): void;
}

let addon: NativeAddon | undefined;

/**
 * The addon, loaded at the first call.
 *
 * @throws VgpuError `NO_IDENTITY`, which says what was tried.
 */
export function loadAddon(): NativeAddon {
  return (addon ??= load());
}

function load(): NativeAddon {
  try {
    return loadOwnAddon('vgpu_client') as NativeAddon;
  } catch (cause) {
    throw new VgpuError(
      'NO_IDENTITY',
      `cannot read a PCI device: ${reasonOf(cause)}, or say which VM this is with --vm-id or VGPU_VM_ID`,
      { cause },
    );
  }
}
