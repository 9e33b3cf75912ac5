const RACY_MS = 2000;

/**
 * Tells whether a directory may change without its mtime showing it: the mtime is as coarse as the
 * kernel's tick (10 ms at most) or, on a network file system, as its server's, so a name that was added
 * just after a listing may have left it as it was. An mtime can be trusted once it is old: by the clock,
 * or, where clocks differ or were set back, because it has been seen for some time.
 */
export class MtimeTrust {
  readonly #wallMs: () => number;
  readonly #monotonicMs: () => number;
  #seenNs: bigint | undefined;
  #sinceMs = 0;

  /**
   * @param wallMs The clock that stamps files, in milliseconds since the epoch.
   * @param monotonicMs A clock that nobody sets, in milliseconds.
   */
  constructor(wallMs = () => Date.now(), monotonicMs = () => performance.now()) {
    this.#wallMs = wallMs;
    this.#monotonicMs = monotonicMs;
  }

  /** Whether the mtime that a directory has now is too young to be trusted. */
  isRacy(mtimeNs: bigint): boolean {
    const nowMs = this.#monotonicMs();
    if (mtimeNs !== this.#seenNs) {
      this.#seenNs = mtimeNs;
      this.#sinceMs = nowMs;
    }
    const isOld = this.#wallMs() - Number(mtimeNs / 1_000_000n) >= RACY_MS;
    return !isOld && nowMs - this.#sinceMs < RACY_MS;
  }
}
