import {
  watchDirectory as watch,
  WatchEvent,
  type DirectoryWatch,
  type OnChange,
} from '@vgpu/linux';

/** Events of inotify(7) to subscribe to. */
const EVENTS = {
  /** A writer's last step, for every way of writing, and the withdrawal of a request. */
  ofRequests: WatchEvent.CLOSE_WRITE | WatchEvent.MOVED_TO | WatchEvent.DELETE,
  /** Creation and removal of names. */
  ofNames: WatchEvent.CREATE | WatchEvent.DELETE | WatchEvent.MOVED_FROM | WatchEvent.MOVED_TO,
} as const;

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
  try {
    return watch(path, { events: EVENTS[events], prefix: 'request' }, onChange, onLost);
  } catch (error) {
    onLost(error as Error);
    return undefined;
  }
}
