import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import { addonIfAny, isErrno, systemError } from '@vgpu/linux';
import { VgpuError } from './errors.js';
import { shareError } from './share-error.js';

/**
 * Runs a task while no other program of this VM runs one for the same directory.
 *
 * By two locks, both of which end with their process, and need no permission but to read the directory:
 *
 * - flock(2) on the directory itself. The kernel of this VM decides about it, also over NFS and virtiofs:
 *   Linux passes locks on files to the server, but none on directories (no `flock` in
 *   `nfs_dir_operations` and `fuse_dir_operations`).
 * - An abstract socket (unix(7)) that is named after the directory, for programs that lack the addon, or may
 *   not read the directory. It reaches those in the same network namespace only.
 *
 * @throws VgpuError `SLOT_BUSY` where another program, or another client of this one, has a lock.
 */
export async function inPlainSlot<T>(directory: string, task: () => Promise<T>): Promise<T> {
  const locks = new Locks(directory);
  try {
    await locks.take();
    return await task();
  } finally {
    await locks.release();
  }
}

class Locks {
  readonly #directory: string;
  readonly #releases: (() => unknown)[] = [];
  #failure: unknown;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async take(): Promise<void> {
    const isFlocked = await this.#attempt(() => this.#flock());
    const isBound = await this.#attempt(() => this.#bind());
    if (isFlocked || isBound) return;
    throw shareError(`lock ${this.#directory}`, this.#failure, 'CANNOT_CREATE');
  }

  async release(): Promise<void> {
    for (const release of this.#releases) await release();
  }

  /** Whether a lock could be had. That it can't be had here is no failure while the other one can. */
  async #attempt(lock: () => Promise<boolean>): Promise<boolean> {
    try {
      return await lock();
    } catch (error) {
      if (isErrno(error, 'EAGAIN', 'EADDRINUSE')) throw busy(this.#directory);
      this.#failure = error;
      return false;
    }
  }

  async #flock(): Promise<boolean> {
    const addon = addonIfAny();
    if (addon === undefined) return false;
    const file = await fs.open(this.#directory, constants.O_RDONLY | constants.O_DIRECTORY);
    this.#releases.push(() => file.close());
    const status = addon.flock(file.fd);
    if (status < 0) throw systemError(status, 'flock', this.#directory);
    return true;
  }

  async #bind(): Promise<boolean> {
    const { dev, ino } = await fs.stat(this.#directory, { bigint: true });
    // Loaded here: few programs use the plain slot.
    const { createServer } = await import('node:net');
    const server = createServer((visitor) => visitor.destroy()).unref();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // A worker of node:cluster would share it with the others.
      server.listen({ path: `\0vgpu-plain-${dev}-${ino}`, exclusive: true }, resolve);
    });
    this.#releases.push(() => server.close());
    return true;
  }
}

function busy(directory: string): VgpuError {
  return new VgpuError(
    'SLOT_BUSY',
    `the plain slot in ${directory} is used by another program of this VM; ` +
      'try again later, or use a slot of your own (no plain mode)',
  );
}
