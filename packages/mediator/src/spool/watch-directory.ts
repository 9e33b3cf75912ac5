import { watch, type FSWatcher } from 'node:fs';

/**
 * Hears of changes in a directory from the kernel (inotify).
 *
 * @param onChange Called with the name that something has happened to, where the kernel tells.
 * @param onLost Called when there is no watch, or no longer: watches have run out, for example.
 * @returns undefined if there is no watch from the start.
 */
export function watchDirectory(
  path: string,
  onChange: (name: string | null) => void,
  onLost: (error: Error) => void,
): FSWatcher | undefined {
  try {
    const watcher = watch(path, (_event, name) => {
      onChange(name);
    });
    return watcher.on('error', (error) => {
      watcher.close();
      onLost(error);
    });
  } catch (error) {
    onLost(error as Error);
    return undefined;
  }
}
