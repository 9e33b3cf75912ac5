import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type bindings from 'bindings';
import { VgpuError } from './errors.js';
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

const NAME = 'vgpu_client';
/** An explicit root, because guessing it from the call stack fails under test runners. */
const module_root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

let addon: NativeAddon | undefined;

/**
 * The addon, loaded at the first call: the one that came with the package, or where that does not load
 * the one that was built on this machine.
 *
 * @throws VgpuError `NO_IDENTITY`, which says what was tried.
 */
export function loadAddon(): NativeAddon {
  return (addon ??= loadPrebuilt() ?? loadBuilt());
}

/** Without `bindings`, which to load takes longer than the addon. */
function loadPrebuilt(): NativeAddon | undefined {
  try {
    const folder = `${process.platform}-${process.arch}`;
    return require(`${module_root}prebuilds/${folder}/${NAME}.node`) as NativeAddon;
  } catch {
    return undefined;
  }
}

function loadBuilt(): NativeAddon {
  try {
    const load = require('bindings') as typeof bindings;
    const place = ['module_root', 'build', 'Release', 'bindings'];
    return load({ bindings: NAME, module_root, try: [place] }) as NativeAddon;
  } catch (cause) {
    // `bindings` lists below what it tried.
    const [reason = ''] = reasonOf(cause)
      .replace(/ Tried:\n.*$/s, '')
      .split('\n', 1);
    throw new VgpuError(
      'NO_IDENTITY',
      `cannot read a PCI device: expected a native part for ${process.platform} on ` +
        `${process.arch}, but none can be loaded (${reason}); build it with ` +
        '`npm rebuild --foreground-scripts @vgpu/vm-client`, which needs Python, make and a ' +
        'C++17 compiler, or say which VM this is with --vm-id or VGPU_VM_ID',
      { cause },
    );
  }
}
