const PATIENCE_MS = 2000;
const LOOK_MS = 2;

/**
 * Waits until threads have removed what they were given, but no longer than two seconds; the next
 * mediator removes the rest.
 */
export async function removed(
  directories: readonly { readonly outstanding: number }[],
): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (directories.some(({ outstanding }) => outstanding > 0) && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
