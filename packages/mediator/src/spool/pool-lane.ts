/** Does something, and says when it is done, whether it failed or not. */
export type Step = (done: () => void) => void;

/**
 * What is to be done for one directory on the threads of Node's pool, one step after the other: a VM
 * whose files take long to free holds up one of the four threads at most.
 */
export class PoolLane {
  readonly #steps: Step[] = [];
  #isBusy = false;

  get outstanding(): number {
    return this.#steps.length + Number(this.#isBusy);
  }

  /** @returns what is outstanding. */
  add(step: Step): number {
    this.#steps.push(step);
    if (!this.#isBusy) this.#next();
    return this.outstanding;
  }

  #next(): void {
    const step = this.#steps.shift();
    this.#isBusy = step !== undefined;
    step?.(() => {
      this.#next();
    });
  }
}
