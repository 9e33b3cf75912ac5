/** Arrival processes of requests at a rate. */
export const ARRIVALS = ['poisson', 'constant'] as const;
export type ArrivalProcess = (typeof ARRIVALS)[number];

/**
 * When requests are due, in milliseconds from the start: ascending, without end.
 *
 * - `poisson`: at random, each independent of the others, as the requests of many users are;
 * - `constant`: evenly, from a random moment on, so that VMs do not all send at once.
 *
 * @param perSecond More than 0.
 * @param random Gives numbers from 0 up to but not including 1.
 */
export function* arrivals(
  process: ArrivalProcess,
  perSecond: number,
  random: () => number = Math.random,
): Generator<number, never> {
  const meanMs = 1000 / perSecond;
  const gap = process === 'poisson' ? () => -Math.log(1 - random()) * meanMs : () => meanMs;
  let due = process === 'poisson' ? gap() : random() * meanMs;
  for (;;) {
    yield due;
    due += gap();
  }
}
