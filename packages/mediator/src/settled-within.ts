import { MAX_TIMER_MS } from './time.js';

/** Waits until a promise has settled, but no longer than so many milliseconds; whether it has. */
export function settledWithin(limitMs: number, promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(
      () => {
        resolve(false);
      },
      Math.min(limitMs, MAX_TIMER_MS),
    );
    const onSettled = () => {
      clearTimeout(timer);
      resolve(true);
    };
    promise.then(onSettled, onSettled);
  });
}
