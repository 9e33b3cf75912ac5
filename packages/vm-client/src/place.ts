import { constants } from 'node:fs';
import fs from 'node:fs/promises';

/** A directory that is held open, so that its number is given to no other one meanwhile. */
export class Place {
  readonly #path: string;
  readonly #file: fs.FileHandle;
  readonly #dev: bigint;
  readonly #ino: bigint;

  private constructor(path: string, file: fs.FileHandle, { dev, ino }: Inode) {
    this.#path = path;
    this.#file = file;
    this.#dev = dev;
    this.#ino = ino;
  }

  /** Undefined if it can't be held open: the first use of the directory gives the reason. */
  static async open(path: string): Promise<Place | undefined> {
    const file = await fs
      .open(path, constants.O_RDONLY | constants.O_DIRECTORY)
      .catch(() => undefined);
    return file && new Place(path, file, await file.stat({ bigint: true }));
  }

  /** Whether its path still leads to it. */
  async hasItsName(): Promise<boolean> {
    try {
      const { dev, ino } = await fs.stat(this.#path, { bigint: true });
      return ino === this.#ino && dev === this.#dev;
    } catch {
      return false;
    }
  }

  close(): void {
    // Nothing was written, so that nothing is lost where closing it fails.
    this.#file.close().catch(() => undefined);
  }
}

interface Inode {
  readonly dev: bigint;
  readonly ino: bigint;
}
