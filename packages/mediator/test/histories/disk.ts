import * as fs from 'node:fs';
import { basename, dirname } from 'node:path';
import type { SimulatedClock } from './clock.js';

interface Times {
  mtimeNs: bigint;
  ctimeNs: bigint;
}

/** The entry of a directory that has changed. */
type OnChange = (directory: string, name: string) => void;

/**
 * The kernel's view of real files: the times of its own clock, and its notifications to watches. Every
 * change of a file must be reported here.
 */
export class Disk {
  readonly #clock: SimulatedClock;
  readonly #onChange: OnChange;
  readonly #times = new Map<bigint, Times>();

  constructor(clock: SimulatedClock, onChange: OnChange) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** A name has come, gone, or been given to another file. */
  entryChanged(path: string): void {
    const directory = dirname(path);
    this.#stamp(inode(directory), { isContent: true });
    this.told(path);
  }

  /** A file's content, or else only its inode, has changed. */
  fileChanged(path: string, { isContent }: { isContent: boolean }): void {
    this.inodeChanged(inode(path), { isContent });
    this.told(path);
  }

  /** Notifies the watches. */
  told(path: string): void {
    this.#onChange(dirname(path), basename(path));
  }

  inodeChanged(ino: bigint, { isContent }: { isContent: boolean }): void {
    this.#stamp(ino, { isContent });
  }

  /** The time of modification was set. */
  mtimeSet(ino: bigint, mtimeNs: bigint): void {
    this.#times.set(ino, { mtimeNs, ctimeNs: this.#clock.fileTimeNs });
  }

  ctimeNs(path: string): bigint {
    return this.ctimeOf(inode(path));
  }

  ctimeOf(ino: bigint): bigint {
    return this.#of(ino).ctimeNs;
  }

  /** Puts the simulated times into the result of stat(2). */
  restamp(stats: fs.BigIntStats): fs.BigIntStats {
    return Object.assign(stats, this.#of(stats.ino));
  }

  #of(ino: bigint): Times {
    const now = this.#clock.fileTimeNs;
    const times = this.#times.get(ino) ?? { mtimeNs: now, ctimeNs: now };
    this.#times.set(ino, times);
    return times;
  }

  #stamp(ino: bigint, { isContent }: { isContent: boolean }): void {
    const now = this.#clock.fileTimeNs;
    const mtimeNs = isContent ? now : this.#of(ino).mtimeNs;
    this.#times.set(ino, { mtimeNs, ctimeNs: now });
  }
}

export function inode(path: string): bigint {
  return fs.lstatSync(path, { bigint: true }).ino;
}
