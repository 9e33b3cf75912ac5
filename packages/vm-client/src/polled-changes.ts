import type { Change, Changes } from './changes.js';
import { pollDelayMs } from './poll-delay.js';

/** Holds nothing that would tell of changes: every file may have changed whenever it is time. */
export class PolledChanges implements Changes {
  of(): Change {
    return new PolledChange();
  }

  close(): void {
    // Each change has its own timer, which ends with it.
  }
}

class PolledChange implements Change {
  #startedAt: number | undefined;
  #stopped = false;
  #cut: (() => void) | undefined;

  happened(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    const now = performance.now();
    this.#startedAt ??= now;
    const delayMs = pollDelayMs(now - this.#startedAt);
    return new Promise((resolve) => {
      // A timer never fires within a millisecond.
      if (delayMs < 1) {
        setImmediate(resolve);
        return;
      }
      const timer = setTimeout(resolve, delayMs);
      this.#cut = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cut?.();
  }
}
