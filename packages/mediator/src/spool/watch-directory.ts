import {
  watchDirectory as watch,
  WatchEvent,
  type DirectoryWatch,
  type OnChange,
} from '@vgpu/linux';

/** Events that are waited for. */
const EVENTS = {
  /** What a writer does last, whichever way it writes, and that it takes a request back. */
  ofRequests: WatchEvent.CLOSE_WRITE | WatchEvent.MOVED_TO | WatchEvent.DELETE,
  /** That a name comes or goes. */
  ofNames: WatchEvent.CREATE | WatchEvent.DELETE | WatchEvent.MOVED_FROM | WatchEvent.MOVED_TO,
} as const;

/**
 * Hears of requests, and of other changes, in a directory.
 *
 * @param events What to wait for, where that can be chosen.
 * @param onLost Called when there is no watch, or no longer: watches have run out, for example.
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
