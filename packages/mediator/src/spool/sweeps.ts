import type { VmSpool } from './vm-spool.js';

/**
 * Quiet VM directories that a sweep looks at; where there are more it takes several to look at all, but
 * no more than so many. inotify tells of what happens in them: the sweep is for what it loses.
 */
const QUIET_PER_SWEEP = 16;
const MAX_SWEEPS_FOR_ALL = 32;
/** VM directories that are looked at in a row; then others are served before the sweep goes on. */
const IN_A_ROW = 128;

/** What a sweep looks at. */
export interface SweepOptions {
  /** Those in which something goes on: each sweep looks at them. */
  readonly awake: Iterable<VmSpool>;
  /** Whether all are to be looked at, not only some by turns. */
  readonly all: boolean;
}

/** Chooses the VM directories that sweeps look at, and has them looked at some at a time. */
export class Sweeps {
  readonly #spools: ReadonlyMap<number, VmSpool>;
  readonly #lookAt: (spool: VmSpool, isItsTurn: boolean) => void;
  /** All of them by turns, in which they are looked at though they are quiet. */
  #round: Iterator<VmSpool, unknown>;
  /** Those that the sweep under way has not looked at yet, and whether it is their turn. */
  readonly #due = new Map<VmSpool, boolean>();
  #goingOn: NodeJS.Immediate | undefined;

  constructor(
    spools: ReadonlyMap<number, VmSpool>,
    lookAt: (spool: VmSpool, isItsTurn: boolean) => void,
  ) {
    this.#spools = spools;
    this.#lookAt = lookAt;
    this.#round = spools.values();
  }

  begin({ awake, all }: SweepOptions): void {
    for (const spool of all ? this.#spools.values() : this.#nextInTurn()) {
      this.#due.set(spool, true);
    }
    for (const spool of awake) if (!this.#due.has(spool)) this.#due.set(spool, false);
    this.#goOn();
  }

  /** A VM directory is gone. */
  forget(spool: VmSpool): void {
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
      this.#lookAt(spool, isItsTurn);
    }
  }

  #nextInTurn(): VmSpool[] {
    const { size } = this.#spools;
    const count = Math.max(QUIET_PER_SWEEP, Math.ceil(size / MAX_SWEEPS_FOR_ALL));
    const inTurn: VmSpool[] = [];
    while (inTurn.length < Math.min(count, size)) {
      const { value, done } = this.#round.next();
      if (done === true) this.#round = this.#spools.values();
      else inTurn.push(value);
    }
    return inTurn;
  }
}
