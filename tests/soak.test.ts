import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { faults } from '../bench/soak/report.mjs';
import { Tally } from '../packages/vm-client/src/cli/bench/figures.js';
import { VgpuError } from '../packages/vm-client/src/errors.js';
import { run } from './support/processes.js';

const SOAK = resolve(import.meta.dirname, '../bench/soak/run.mjs');

describe('a soak', () => {
  it('of 20 seconds with two kills finds nothing lost and nothing wrong', async () => {
    const args = [SOAK, '--minutes', String(20 / 60), '--kill-every', '7'];
    const { status, stdout, stderr } = await run(process.execPath, args);
    expect([stderr, status]).toEqual(['', 0]);
    expect(stdout).toMatch(/^Soak of \d\d seconds with 30 VMs and a hostile one, 2 kills$/m);
    const [, sent, answered, failed, lost] =
      /requests .* answered rightly .*\n.*\n│ \S+ +│ (\d+) +│ (\d+) +│ (\d+) +│ (\d+) /.exec(
        stdout,
      ) ?? [];
    expect(Number(sent)).toBeGreaterThan(1000);
    expect([answered, failed, lost]).toEqual([sent, '0', '0']);
    for (const priority of ['high', 'medium', 'low']) {
      expect(stdout).toMatch(new RegExp(`'all' +│ '${priority}' +│ \\d+ +│ [\\d.]+ `));
    }
    expect(stdout).toMatch(/memory, last third of a life/);
  }, 180_000);

  it('says what was not as promised', () => {
    const whole = new Tally();
    for (let request = 0; request < 5; request += 1) whole.sent(1);
    const at = { vm: 1, priority: 1, fromMs: 0, untilMs: 1, lateMs: 0 } as const;
    whole.done({ ...at, error: undefined });
    whole.done({ ...at, error: new VgpuError('BAD_ANSWER', 'not the sum') });
    const rest = { seconds: 1, vms: 1, kills: 0, lives: [], served: new Tally(), attacks: {} };
    const good = {
      ...rest,
      whole: new Tally(),
      unasked: 0,
      requestsLeft: 0,
      answersLeft: ['-3\n'],
    };
    expect(faults(good)).toEqual([]);
    expect(
      faults({ ...rest, whole, unasked: 1, requestsLeft: 2, answersLeft: ['30', '300\n'] }),
    ).toEqual([
      '1 requests ended with BAD_ANSWER: not the sum',
      '3 requests were never answered',
      '2 requests were left on disk',
      '1 answers were left on disk that are no sum',
      '1 mediators ended by themselves',
    ]);
  });
});
