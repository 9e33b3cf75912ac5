const WAIT_LIMIT_MS = 2000;
const CHECK_MS = 2;

/**
 * Waits until the threads have removed all outstanding files, for two seconds at most; the next mediator
 * removes the rest.
 */
export async function removed(
  directories: readonly { readonly outstanding: number }[],
): Promise<void> {
  const endMs = performance.now() + WAIT_LIMIT_MS;
  while (directories.some(({ outstanding }) => outstanding > 0) && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, CHECK_MS));
  }
}
