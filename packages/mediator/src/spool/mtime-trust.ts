const RACY_MS = 2000;

/**
 * Tells whether a directory may change without its mtime showing it. The mtime is as coarse as the
 * kernel's tick (10 ms at most) or, on a network file system, as its server's: a name added just after a
 * listing may leave the mtime unchanged. An mtime can be trusted once it is old: by the clock, or, if clocks
 * differ or were set back, because it has been seen for some time.
 */
export class MtimeTrust {
  readonly #wallMs: () => number;
  readonly #monotonicMs: () => number;
  #seenNs: bigint | undefined;
  #sinceMs = 0;

  /**
   * @param wallMs The clock that stamps files, in milliseconds since the epoch.
   * @param monotonicMs A monotonic clock, in milliseconds.
   */
  constructor(wallMs = () => Date.now(), monotonicMs = () => performance.now()) {
    this.#wallMs = wallMs;
    this.#monotonicMs = monotonicMs;
  }

  /** Whether a directory's current mtime is too recent to be trusted. */
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
