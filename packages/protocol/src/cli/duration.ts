const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Milliseconds, seconds, minutes, hours. */
export type DurationUnit = keyof typeof UNITS_MS;

/** Examples for messages that say what is expected. */
export const DURATION_EXAMPLES = '200ms, 30s, 5m or 1h';

/**
 * Reads a duration such as `200ms`, `30s`, `1.5m` or `1h`.
 *
 * @param text A decimal number without sign or exponent, and a unit.
 * @param plainUnit The unit of a number that has none; without it such a number is no duration.
 * @returns Milliseconds; undefined if the text is no duration.
 */
export function parseDuration(text: string, plainUnit?: DurationUnit): number | undefined {
  const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?$/.exec(text);
  const unit = (match?.[2] as DurationUnit | undefined) ?? plainUnit;
  if (match === null || unit === undefined) return undefined;
  const number = Number(match[1]);
  // 1.005 s are 1005 ms: a decimal of 15 digits survives the product, whose last bits may be wrong.
  return unit === 'ms' ? number : Number((number * UNITS_MS[unit]).toPrecision(15));
}

/**
 * Writes a duration as {@link parseDuration} reads it, in the largest unit of which it is a whole number.
 *
 * @param ms Milliseconds, at least 0.
 */
export function durationText(ms: number): string {
  const units = Object.entries(UNITS_MS).reverse();
  const [unit, unitMs] = units.find(([, each]) => ms > 0 && ms % each === 0) ?? ['ms', 1];
  return `${ms / unitMs}${unit}`;
}
