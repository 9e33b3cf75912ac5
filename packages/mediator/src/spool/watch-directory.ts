import { watch } from 'node:fs';
import { systemError } from '../linux/errno.js';
import { loadAddon, type NativeAddon } from '../linux/native.js';

/** A watch on a directory. */
export interface DirectoryWatch {
  close(): void;
}

/**
 * Receives the events of a watch: names of requests that were created, changed or removed, and the number of
 * other events. `areLost`: the kernel's queue has overflowed, and events of this directory or of any other may
 * be lost; one of the watches reports it.
 */
export type OnChange = (names: readonly string[], others: number, areLost: boolean) => void;

/** Events of inotify(7) to subscribe to. */
const EVENTS = {
  /** A writer's last step, for every way of writing, and the withdrawal of a request. */
  ofRequests: /* IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE */ 0x008 | 0x080 | 0x200,
  /** Creation and removal of names: IN_CREATE, IN_DELETE, IN_MOVED_FROM, IN_MOVED_TO. */
  ofNames: 0x100 | 0x200 | 0x040 | 0x080,
} as const;
const IN_ONLYDIR = 0x01000000;

const REQUEST = 'request';

/**
 * Watches a directory for changes (inotify).
 *
 * @param events The events to subscribe to, if the addon is there: each event costs its writer the waking of
 *   this process.
 * @param onLost Called if the watch cannot be opened, or fails later: watches have run out, for example.
 * @returns undefined if there is no watch from the start.
 */
export function watchDirectory(
  path: string,
  events: keyof typeof EVENTS,
  onChange: OnChange,
  onLost: (error: Error) => void,
): DirectoryWatch | undefined {
  const addon = loadAddon();
  try {
    return addon === undefined
      ? watchByNode(path, onChange, onLost)
      : watchByAddon(addon, path, EVENTS[events], onChange);
  } catch (error) {
    onLost(error as Error);
    return undefined;
  }
}

function watchByNode(path: string, onChange: OnChange, onLost: (error: Error) => void) {
  const watcher = watch(path, (_event, name) => {
    if (name?.startsWith(REQUEST) === true) onChange([name], 0, false);
    else onChange([], 1, false);
  });
  return watcher.on('error', (error) => {
    watcher.close();
    onLost(error);
  });
}

function watchByAddon(addon: NativeAddon, path: string, events: number, onChange: OnChange) {
  const number = addon.watch(path, events | IN_ONLYDIR, onChange);
  if (number < 0) throw systemError(number, 'inotify_add_watch', path);
  return {
    close: () => {
      addon.unwatch(number);
    },
  };
}
