import { watch } from 'node:fs';
import { addonIfAny, type NativeAddon } from './addon.js';
import { systemError } from './errno.js';

/** A watch on a directory. */
export interface DirectoryWatch {
  /** Ends it: nothing more is told. */
  close(): void;
}

/** Events of inotify(7) that a watch can wait for; together by `|`. */
export const WatchEvent = {
  /** A file that was open for writing is closed. */
  CLOSE_WRITE: 0x008,
  /** An entry is renamed to another directory, or to another name. */
  MOVED_FROM: 0x040,
  /** An entry gets its name by being renamed. */
  MOVED_TO: 0x080,
  /** An entry is made. */
  CREATE: 0x100,
  /** An entry is removed. */
  DELETE: 0x200,
} as const;

/** What is watched for. */
export interface WatchFilter {
  /**
   * Of {@link WatchEvent}. Each costs its writer the waking of this process. By Node alone they cannot be
   * chosen: all are told.
   */
  readonly events: number;
  /** The names that are told begin with it. */
  readonly prefix: string;
}

/**
 * What a watch tells.
 *
 * @param names Entries that something has happened to.
 * @param others How many other events there were in the directory.
 * @param areLost Events of this directory, or of any other that is watched with this prefix, may be lost: the
 *   kernel's queue was full. One of the watches tells of it.
 */
export type OnChange = (names: readonly string[], others: number, areLost: boolean) => void;

const IN_ONLYDIR = 0x01000000;

/**
 * Hears of changes in a directory from the kernel (inotify): by the addon, or where there is none by
 * `fs.watch`. Does not keep the process alive.
 *
 * @param path The directory.
 * @param filter What to watch for.
 * @param onChange Is told what has happened.
 * @param onLost Is told that the watch has failed and is closed.
 * @throws the error of the system call, such as ENOSPC or EMFILE where the user's watches have run out.
 */
export function watchDirectory(
  path: string,
  filter: WatchFilter,
  onChange: OnChange,
  onLost: (error: Error) => void,
): DirectoryWatch {
  const addon = addonIfAny();
  return addon === undefined
    ? watchByNode(path, filter, onChange, onLost)
    : watchByAddon(addon, path, filter, onChange);
}

function watchByAddon(
  addon: NativeAddon,
  path: string,
  { events, prefix }: WatchFilter,
  onChange: OnChange,
): DirectoryWatch {
  const number = addon.watch(path, events | IN_ONLYDIR, prefix, onChange);
  if (number < 0) throw systemError(number, 'inotify_add_watch', path);
  return {
    close: () => {
      addon.unwatch(number);
    },
  };
}

function watchByNode(
  path: string,
  { prefix }: WatchFilter,
  onChange: OnChange,
  onLost: (error: Error) => void,
): DirectoryWatch {
  const watcher = watch(path, { persistent: false }, (_event, name) => {
    if (name?.startsWith(prefix) === true) onChange([name], 0, false);
    // What has no name may have happened to any.
    else onChange([], 1, name === null);
  });
  return watcher.on('error', (error) => {
    watcher.close();
    onLost(error);
  });
}
