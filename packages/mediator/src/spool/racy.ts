const RACY_MS = 2000;

/**
 * Whether a directory may change without its mtime showing it: the mtime is as coarse as the
 * kernel's tick (10 ms at most) or, on a network file system, as its server's, so a name that was
 * added just after a listing may have left it as it was. An old mtime can be trusted.
 */
export function isRacy(mtimeNs: bigint): boolean {
  return Date.now() - Number(mtimeNs / 1_000_000n) < RACY_MS;
}
