/** Lets tasks run one at a time, in the order in which they came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Waits for the turn and runs the task.
   *
   * @param signal Gives the turn up while it has not come; its reason is what is thrown then.
   */
  async take<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const before = this.#last;
    const run = Promise.race([before, rejectionOf(signal)]).then(task);
    this.#last = Promise.allSettled([before, run]);
    return run;
  }
}

function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const rejectNow = () => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) rejectNow();
    else signal.addEventListener('abort', rejectNow);
  });
}
