import type { Share } from './share.js';

/**
 * A scan reads at least 16 idle VM directories, and enough of them that 32 scans read all. inotify reports
 * their changes: the scan finds the changes that inotify loses.
 */
const MIN_IDLE_PER_SCAN = 16;
const MAX_SCANS_FOR_ALL = 32;
/** VM directories that are read in a row; then requests are served before the scan continues. */
const IN_A_ROW = 128;

/** Which VM directories a scan reads. */
export interface ScanOptions {
  /** The directories that every scan reads. */
  readonly active: Iterable<Share>;
  /** Whether the scan reads all directories, not only the active ones and some idle ones in rotation. */
  readonly all: boolean;
}

/** Chooses the VM directories that a scan reads, and has them read some at a time. */
export class Scans {
  readonly #spools: ReadonlyMap<number, Share>;
  readonly #scan: (spool: Share, isItsTurn: boolean) => void;
  /** Iterates over all directories, some of them with each scan. */
  #round: Iterator<Share, unknown>;
  /** Directories that the scan under way has not read yet, and whether it is their turn. */
  readonly #due = new Map<Share, boolean>();
  #goingOn: NodeJS.Immediate | undefined;

  constructor(
    spools: ReadonlyMap<number, Share>,
    scan: (spool: Share, isItsTurn: boolean) => void,
  ) {
    this.#spools = spools;
    this.#scan = scan;
    this.#round = spools.values();
  }

  begin({ active, all }: ScanOptions): void {
    for (const spool of all ? this.#spools.values() : this.#nextInTurn()) {
      this.#due.set(spool, true);
    }
    for (const spool of active) if (!this.#due.has(spool)) this.#due.set(spool, false);
    this.#goOn();
  }

  /** A VM directory is gone. */
  forget(spool: Share): void {
    this.#due.delete(spool);
  }

  close(): void {
    this.#due.clear();
    clearImmediate(this.#goingOn);
  }

  #goOn(): void {
    clearImmediate(this.#goingOn);
    let left = IN_A_ROW;
    for (const [spool, isItsTurn] of this.#due) {
      if (left === 0) {
        this.#goingOn = setImmediate(() => {
          this.#goOn();
        });
        return;
      }
      left -= 1;
      this.#due.delete(spool);
      this.#scan(spool, isItsTurn);
    }
  }

  #nextInTurn(): Share[] {
    const { size } = this.#spools;
    const count = Math.max(MIN_IDLE_PER_SCAN, Math.ceil(size / MAX_SCANS_FOR_ALL));
    const inTurn: Share[] = [];
    while (inTurn.length < Math.min(count, size)) {
      const { value, done } = this.#round.next();
      if (done === true) this.#round = this.#spools.values();
      else inTurn.push(value);
    }
    return inTurn;
  }
}
