/** Gives what a function gave within the last so many milliseconds, or calls it: bounds its cost. */
export function cached<T>(ms: number, compute: () => T): () => T {
  let value: T;
  let validUntilMs = -Infinity;
  return () => {
    if (performance.now() < validUntilMs) return value;
    value = compute();
    validUntilMs = performance.now() + ms;
    return value;
  };
}
