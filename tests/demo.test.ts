import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { compileStub, describeOnStub } from '../packages/cuda-binding/test/support/stub.js';
import { environment, run } from './support/processes.js';

const DEMO = resolve(import.meta.dirname, '../scripts/demo.mjs');
/** For processes that hang; the demo waits up to half a minute for each of its steps. */
const LIMIT_MS = 300_000;

const play = (flags: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  run(process.execPath, [DEMO, ...flags], { env: { ...environment, ...env } });

describe('the demo', () => {
  it(
    'plays on the CPU with as many devices as are asked for',
    async () => {
      const { status, stdout } = await play(['--devices', '2,0,5']);
      expect(stdout).toContain('\nScenarios 1 to 4 are about order and use device 2 alone');
      const shares = '\\d+ by device 0, \\d+ by device 2, \\d+ by device 5';
      expect(stdout).toMatch(new RegExp(`up to 3 at the same time: ${shares}\\.\n`));
      expect(stdout).toMatch(/\nAll as expected\.\n$/);
      expect(status).toBe(0);
    },
    LIMIT_MS,
  );

  it.each([
    [['--devices', 'all']],
    [['--devices', '0,']],
    [['--devices', '-1']],
    [['--backend', 'auto']],
    [['--backend']],
    [['cuda']],
  ])('refuses %j', async (flags) => {
    const { status, stdout, stderr } = await play(flags);
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' });
    expect(stderr).toMatch(/^usage: /m);
  });
});

describeOnStub('the demo on CUDA devices', () => {
  it('says why it can not play', async () => {
    const { status, stdout, stderr } = await play(['--backend', 'cuda', '--devices', '7'], {
      LD_LIBRARY_PATH: compileStub(),
      VGPU_STUB_DEVICES: '2',
    });
    expect({ status, stdout }).toEqual({ status: 69, stdout: '' });
    expect(stderr).toContain('7');
  });
});
