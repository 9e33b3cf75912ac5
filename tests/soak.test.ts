import { describe, expect, it } from '@jest/globals';
import { faults } from '../bench/soak/report.mjs';
import { Tally } from '../packages/vm-client/src/cli/bench/figures.js';
import { VgpuError } from '../packages/vm-client/src/errors.js';

describe('the report of a soak', () => {
  it('says what was not as promised', () => {
    const whole = new Tally();
    for (let request = 0; request < 5; request += 1) whole.sent(1);
    const at = { vm: 1, priority: 1, fromMs: 0, untilMs: 1, lateMs: 0 } as const;
    whole.done({ ...at, error: undefined });
    whole.done({ ...at, error: new VgpuError('BAD_RESPONSE', 'not the sum') });
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
      '1 requests ended with BAD_RESPONSE: not the sum',
      '3 requests were never answered',
      '2 requests were left on disk',
      '1 answers were left on disk that are no sum',
      '1 mediators ended by themselves',
    ]);
  });
});
