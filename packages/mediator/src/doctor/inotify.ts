import { type Diagnosis, finding, ok } from './diagnosis.js';

export interface InotifyFacts {
  readonly directories: number;
  /** fs.inotify.max_user_watches */
  readonly maxWatches: number;
  /** fs.inotify.max_user_instances */
  readonly maxInstances: number;
}

/** A few, for other programs of the same user. */
const SPARE_WATCHES = 64;

/** Whether the mediator may watch all VM directories: others are only swept. */
export function checkInotify({ directories, maxWatches, maxInstances }: InotifyFacts): Diagnosis[] {
  // One for each VM directory, and one for the root.
  const needed = directories + 1 + SPARE_WATCHES;
  if (maxWatches < needed) {
    return [
      finding(
        `${directories} VM directories need some ${needed} inotify watches; a user may have ${maxWatches}`,
        `sysctl fs.inotify.max_user_watches=${2 * needed}, and in /etc/sysctl.d`,
      ),
    ];
  }
  if (maxInstances < 2) {
    return [
      finding(
        `a user may have ${maxInstances} inotify instances`,
        'sysctl fs.inotify.max_user_instances=128, and in /etc/sysctl.d',
      ),
    ];
  }
  return [ok(`a user may have ${maxWatches} inotify watches, for ${directories} VM directories`)];
}
