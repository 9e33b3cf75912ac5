import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { Tally } from '../src/cli/bench/figures.js';
import { showProgress } from '../src/cli/bench/progress.js';

/** What the progress of a load writes whose requests are counted meanwhile. */
async function written(isTTY: boolean): Promise<string> {
  const stream = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY, columns: 100 });
  const tally = new Tally();
  tally.sent(1);
  const end = await showProgress(stream, 60_000, tally);
  tally.done({ vm: 1, priority: 1, fromMs: 0, untilMs: 1, lateMs: 0, error: undefined });
  end();
  return String(stream.read());
}

describe('the progress', () => {
  test('is a bar on a terminal, which is left as it was', async () => {
    const text = await written(true);
    expect(text).toContain(
      '[------------------------] 0 of 60 s, 0 answered, 1 under way, 0 errors',
    );
    const [hide, show] = ['\x1b[?25l', '\x1b[?25h'].map((code) => text.lastIndexOf(code));
    expect(hide).toBeGreaterThanOrEqual(0);
    expect(show).toBeGreaterThan(hide ?? NaN);
    // Nothing of it stays on the screen.
    expect(text.endsWith('\x1b[1G\x1b[2K')).toBe(true);
  });

  test('is plain lines elsewhere, the last one with the final figures', async () => {
    const [first, last, ...rest] = (await written(false)).split('\n');
    expect(first).toBe('[------------------------] 0 of 60 s, 0 answered, 1 under way, 0 errors');
    expect(last).toBe('[------------------------] 0 of 60 s, 1 answered, 0 under way, 0 errors');
    expect(rest).toEqual(['']);
  });
});
