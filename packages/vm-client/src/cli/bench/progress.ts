import type { Display } from '../command.js';
import type { Tally } from './figures.js';

/** How often a terminal's bar moves, in milliseconds. */
const UPDATE_EVERY_MS = 200;
/** Without a terminal, the interval of lines, in milliseconds. */
const LINE_EVERY_MS = 10_000;

/**
 * Shows the progress of a load: a bar on a terminal, else a line at intervals.
 *
 * @param durationMs How long requests are sent.
 * @returns Ends the display and restores the terminal.
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
    // The bar uses only this part of a stream.
    stream: stream as NodeJS.WriteStream,
    format:
      '[{bar}] {seconds} of {of} s, {answered} answered, {underWay} under way, {errors} errors',
    barsize: 24,
    clearOnComplete: true,
    hideCursor: true,
    // The program handles signals itself.
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
