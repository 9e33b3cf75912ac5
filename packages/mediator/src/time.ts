/** setTimeout takes no more milliseconds; with more it fires at once. */
export const MAX_TIMER_MS = 0x7fff_ffff;

/** Milliseconds since the epoch, rounded, as the nanoseconds in which the kernel stamps files. */
export function toNs(ms: number): bigint {
  // BigInt throws for a fraction, which a time that was set may have.
  return BigInt(Math.round(ms)) * 1_000_000n;
}
