import fs from 'node:fs/promises';
import { isFuse, sharedFileSystem } from '@vgpu/linux';
import type { Changes } from './changes.js';
import { VgpuError } from './errors.js';
import { FuseShare } from './fuse-share.js';
import { LocalShare } from './local-share.js';
import { NetworkShare } from './network-share.js';
import { Place } from './place.js';
import { PolledChanges } from './polled-changes.js';
import { shareError } from './share-error.js';
import type { Share } from './share.js';
import { WatchedChanges } from './watched-changes.js';

/** So often at most a channel looks whether its directory is still the one that has the name. */
const CHECK_MS = 1000;

/** A VM's directory, and how to learn of changes in it. */
export class Channel {
  readonly share: Share;
  readonly changes: Changes;
  readonly #place: Place | undefined;
  #checkedAt = performance.now();

  /** @param place The directory that was opened; absent in tests in which it stays. */
  constructor(share: Share, changes: Changes, place?: Place) {
    this.share = share;
    this.changes = changes;
    this.#place = place;
  }

  /**
   * Whether the directory's name has been given to another one, of which {@link changes} tells nothing, and
   * which may be on another file system. Looks once a second.
   */
  async isReplaced(): Promise<boolean> {
    const now = performance.now();
    if (this.#place === undefined || now - this.#checkedAt < CHECK_MS) return false;
    this.#checkedAt = now;
    return !(await this.#place.hasItsName());
  }

  /** Lets go of all that is held; changes that are waited for still come. */
  close(): void {
    this.changes.close();
    this.#place?.close();
  }
}

/**
 * Opens a VM's directory in the way that suits the file system that it is on.
 *
 * @throws VgpuError `SHARE_UNAVAILABLE` or `NO_PERMISSION`.
 */
export async function openChannel(directory: string): Promise<Channel> {
  const place = await Place.open(directory);
  try {
    const type = await fileSystemType(directory);
    if (sharedFileSystem(type) === undefined) {
      return new Channel(new LocalShare(directory), watchOrPoll(directory), place);
    }
    const share = isFuse(type) ? new FuseShare(directory) : new NetworkShare(directory);
    return new Channel(share, new PolledChanges(), place);
  } catch (error) {
    place?.close();
    throw error;
  }
}

async function fileSystemType(directory: string): Promise<number> {
  try {
    const [stats, { type }] = await Promise.all([fs.stat(directory), fs.statfs(directory)]);
    if (stats.isDirectory()) return type;
  } catch (error) {
    throw shareError(`use ${directory}`, error, 'SHARE_UNAVAILABLE');
  }
  throw new VgpuError(
    'SHARE_UNAVAILABLE',
    `cannot use ${directory}: it is not a directory; mount the share of this VM there`,
  );
}

/**
 * Changes as the kernel tells of them; by polling where it can't (the user's watches or instances
 * of inotify have run out: ENOSPC, EMFILE).
 *
 * @param watch Stands in for the opening of a watch in tests.
 */
export function watchOrPoll(
  directory: string,
  watch: (directory: string) => Changes = (path) => new WatchedChanges(path),
): Changes {
  try {
    return watch(directory);
  } catch {
    return new PolledChanges();
  }
}
