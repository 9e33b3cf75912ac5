import fs from 'node:fs/promises';
import { NetworkShare } from './network-share.js';

/**
 * A directory on virtiofs or another FUSE file system. Where NFS remembers that a name does not exist,
 * FUSE remembers which file a name belongs to: for as long as its server says, with virtiofsd's
 * defaults a second (`entry_valid`, Linux's `fs/fuse/dir.c`), in which a file that the host has put in
 * its place, or removed, is not seen.
 */
export class FuseShare extends NetworkShare {
  /** By no file: the server is asked about a name that does not exist each time. */
  override async clearAnswer(name: string): Promise<void> {
    await this.remove(name);
  }

  /** Lists the directory, which asks the server in any case. */
  override async readIfThere(name: string): Promise<string | undefined> {
    const names = await fs.readdir(this.directory);
    return names.includes(name) ? super.readIfThere(name) : undefined;
  }
}
