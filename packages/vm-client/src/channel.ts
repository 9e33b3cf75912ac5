import fs from 'node:fs/promises';
import type { Changes } from './changes.js';
import { VgpuError } from './errors.js';
import { isFuse, isSharedWithOthers } from './file-system.js';
import { FuseShare } from './fuse-share.js';
import { LocalShare } from './local-share.js';
import { NetworkShare } from './network-share.js';
import { PolledChanges } from './polled-changes.js';
import { shareError } from './share-error.js';
import type { Share } from './share.js';
import { WatchedChanges } from './watched-changes.js';

/** A VM's directory, and how to learn of changes in it. */
export interface Channel {
  readonly share: Share;
  readonly changes: Changes;
}

/**
 * Opens a VM's directory in the way that suits the file system that it is on.
 *
 * @throws VgpuError `SHARE_UNAVAILABLE` or `NO_PERMISSION`.
 */
export async function openChannel(directory: string): Promise<Channel> {
  const type = await fileSystemType(directory);
  if (!isSharedWithOthers(type)) {
    return { share: new LocalShare(directory), changes: watchOrPoll(directory) };
  }
  const share = isFuse(type) ? new FuseShare(directory) : new NetworkShare(directory);
  return { share, changes: new PolledChanges() };
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
