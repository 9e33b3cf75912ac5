/** A result that took long is given for so much longer: it takes a fifth of the time at most. */
const PAUSE_PER_MS = 4;

/** Gives what a function gave within the last so many milliseconds, or calls it: bounds its cost. */
export function cached<T>(ms: number, compute: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined;
  let validUntilMs = Infinity;
  return () => {
    if (value !== undefined && performance.now() < validUntilMs) return value;
    const startedMs = performance.now();
    validUntilMs = Infinity;
    value = compute().finally(() => {
      const nowMs = performance.now();
      validUntilMs = nowMs + Math.max(ms, PAUSE_PER_MS * (nowMs - startedMs));
    });
    return value;
  };
}
