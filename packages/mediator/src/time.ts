/** The longest delay of setTimeout, in milliseconds; a longer one fires at once. */
export const MAX_TIMER_MS = 0x7fff_ffff;

/**
 * Converts milliseconds since the epoch, rounded, to nanoseconds, the unit of the kernel's file
 * times.
 */
export function toNs(ms: number): bigint {
  // BigInt throws for fractions, which utimes(2) can set.
  return BigInt(Math.round(ms)) * 1_000_000n;
}

/** Waits for a promise to settle, at most for a limit in milliseconds; returns whether it has settled. */
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
