import type { Display } from '../surroundings.js';
import type { Tally } from './figures.js';

/** How often a terminal's bar moves, in milliseconds. */
const UPDATE_EVERY_MS = 200;
/** Where no terminal shows a bar, a line is written so often, in milliseconds. */
const LINE_EVERY_MS = 10_000;

/**
 * Shows how far a load is: a bar on a terminal, else a line now and then.
 *
 * @param durationMs How long requests are sent.
 * @returns What ends it, and leaves the terminal as it was.
 */
export async function showProgress(
  stream: Display,
  durationMs: number,
  { all }: Tally,
): Promise<() => void> {
  const { default: progress } = await import('cli-progress');
  const startMs = performance.now();
  const elapsedMs = () => Math.min(performance.now() - startMs, durationMs);
  const payload = () => ({
    seconds: (elapsedMs() / 1000).toFixed(0),
    of: (durationMs / 1000).toFixed(0),
    answered: all.answered,
    underWay: all.underWay,
    errors: all.failed,
  });
  const bar = new progress.SingleBar({
    // It calls nothing else.
    stream: stream as NodeJS.WriteStream,
    format:
      '[{bar}] {seconds} of {of} s, {answered} answered, {underWay} under way, {errors} errors',
    barsize: 24,
    clearOnComplete: true,
    hideCursor: true,
    // Signals are the program's own affair.
    gracefulExit: false,
    noTTYOutput: true,
    notTTYSchedule: LINE_EVERY_MS,
  });
  bar.start(durationMs, 0, payload());
  const update = () => {
    bar.update(elapsedMs(), payload());
  };
  const timer = setInterval(update, UPDATE_EVERY_MS);
  return () => {
    clearInterval(timer);
    update();
    bar.stop();
  };
}
