import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
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
  });
});
