import type { Interruption } from './interruption.js';

/** Lets tasks run one at a time, in the order in which they came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Waits for the turn and runs the task.
   *
   * @param interruption Gives the turn up while it has not come; its reason is what is thrown then.
   */
  async take<T>(task: () => Promise<T>, interruption: Interruption): Promise<T> {
    const before = this.#last;
    const interrupted = new Promise<never>((_resolve, reject) => {
      interruption.whenInterrupted(reject);
    });
    const run = Promise.race([before, interrupted]).then(task);
    this.#last = Promise.allSettled([before, run]);
    return run;
  }
}
