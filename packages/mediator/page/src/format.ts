/** Numbers, times and durations for people. */

const COUNT = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const RATE = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

/** What there is no value for. */
export const NONE = '–';

export function count(number: number): string {
  return COUNT.format(number);
}

/** Three digits at most, unless it is a thousand or more. */
export function rate(perSecond: number): string {
  return perSecond >= 1000 ? COUNT.format(perSecond) : RATE.format(perSecond);
}

export function percent(share: number): string {
  return `${Math.round(100 * Math.min(share, 1))} %`;
}

/** In the unit in which it is a number from 1 to 999, where there is one. */
export function duration(ms: number): string {
  if (ms < 1) return `${RATE.format(1000 * ms)} µs`;
  if (ms < 1000) return `${RATE.format(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 100) return `${RATE.format(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? `${hours} h ${minutes % 60} min`
    : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The local time of day. */
export function time(ms: number): string {
  return new Date(ms).toLocaleTimeString('en-GB');
}
