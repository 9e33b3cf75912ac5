import fs from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { addonIfAny } from './addon-if-any.js';
import type { NativeAddon } from './native.js';

/** A watch on a directory. */
export interface DirectoryWatch {
  close(): void;
}

/** What a watch tells: names of responses that something has happened to; null if that may be any. */
export type OnChange = (names: readonly string[] | null) => void;

const IN_MOVED_TO = 0x80;
const IN_ONLYDIR = 0x01000000;

/**
 * Hears from the kernel (inotify) of answers that are put in place in a directory; where there is no
 * addon, of all else that happens there, too. Does not keep the process alive.
 *
 * @throws the error of the system call, such as ENOSPC or EMFILE where the user's watches have run out.
 */
export function watchDirectory(directory: string, onChange: OnChange): DirectoryWatch {
  const addon = addonIfAny();
  return addon === undefined
    ? watchByNode(directory, onChange)
    : watchByAddon(addon, directory, onChange);
}

function watchByAddon(addon: NativeAddon, path: string, onChange: OnChange): DirectoryWatch {
  // A mediator renames; to be woken by what else happens would cost it, and this process, more than
  // the answer does.
  const watch = addon.watch(path, IN_MOVED_TO | IN_ONLYDIR, onChange);
  if (watch < 0) {
    const [code = 'EIO', text = ''] = getSystemErrorMap().get(watch) ?? [];
    throw Object.assign(new Error(`${code}: ${text}, watch '${path}'`), { code, errno: watch });
  }
  return {
    close: () => {
      addon.unwatch(watch);
    },
  };
}

function watchByNode(path: string, onChange: OnChange): DirectoryWatch {
  const watcher = fs.watch(path, { persistent: false }, (_event, name) => {
    onChange(name === null ? null : [name]);
  });
  // What is heard no more is still found by looking.
  return watcher.on('error', () => undefined);
}
