import { resolve } from 'node:path';
import { expect, it } from '@jest/globals';
import { compileStub, describeOnStub } from '../packages/cuda-binding/test/support/stub.js';
import { environment, run } from './support/processes.js';

const DEMO = resolve(import.meta.dirname, '../scripts/demo.mjs');
/** For processes that hang. */
const LIMIT_MS = 600_000;

describeOnStub('the demo on CUDA devices', () => {
  it.each([1, 2, 3, 8])(
    'plays with %d of them',
    async (devices) => {
      const { status, stdout, stderr } = await run(process.execPath, [DEMO, '--backend', 'cuda'], {
        env: {
          ...environment,
          LD_LIBRARY_PATH: compileStub(),
          VGPU_STUB_DEVICES: String(devices),
        },
      });
      expect({ status, stderr: status === 0 ? '' : stderr + stdout }).toEqual({
        status: 0,
        stderr: '',
      });
      expect(stdout).toContain(`up to ${devices} at the same time: `);
    },
    LIMIT_MS,
  );
});
