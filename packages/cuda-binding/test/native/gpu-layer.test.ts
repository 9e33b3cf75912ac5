import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { HEADERS, includes, runGpuLayer } from '../support/gpu-layer.js';
import { compileStub, describeOnStub } from '../support/stub.js';

const RIGHT = '0:8 8:8 16:8 24:8 32:8 40:4 44:4';

test('the GPU layer includes only itself', () => {
  expect(includes()).toEqual(HEADERS);
});

describeOnStub('a kernel', () => {
  test('has the parameters that the driver tells', () => {
    expect(runGpuLayer('parameters')).toEqual([
      {
        scalar_add_kernel: [
          [0, 520],
          [520, 8],
        ],
      },
      { vector_add_kernel: RIGHT.split(' ').map((one) => one.split(':').map(Number)) },
    ]);
  });

  test('may have none', () => {
    const stub = { FAULTS: 'cuFuncGetParamInfo@1=1' };
    expect(runGpuLayer('parameters', { stub })[0]).toEqual({ scalar_add_kernel: [] });
  });

  test('has unknown parameters where the driver can not tell them', () => {
    const library = compileStub('-DcuFuncGetParamInfo=cuFuncGetParamInfoOfLaterTimes');
    expect(runGpuLayer('parameters', { library })).toEqual([
      { scalar_add_kernel: null },
      { vector_add_kernel: null },
    ]);
    const mismatches = runGpuLayer('mismatches', { library });
    expect(mismatches).toEqual(Array.from({ length: 6 }, () => ({ mismatch: '' })));
  });

  test('passes on what else the driver says of its parameters', () => {
    const stub = { FAULTS: 'cuFuncGetParamInfo@2=719' };
    expect(runGpuLayer('parameters', { stub })).toEqual([
      { operation: 'cuFuncGetParamInfo', status: 719 },
    ]);
  });

  test('is taken only with parameters of the same number, sizes and offsets', () => {
    const mismatches = [
      '',
      'its number of parameters is 7, not 6',
      'its number of parameters is 7, not 8',
      'its parameter 3 has 8 bytes at offset 24, not 4 bytes at offset 24',
      'its parameter 3 has 8 bytes at offset 24, not 12 bytes at offset 24',
      'its number of parameters is 7, not 0',
    ].map((text) => ({ mismatch: text && `vector_add_kernel: ${text}` }));
    expect(runGpuLayer('mismatches')).toEqual(mismatches);
    const stub = { PARAMETERS: 'vector_add_kernel 0:8 8:8 16:8 24:8 32:8 48:4 52:4' };
    expect(runGpuLayer('mismatches', { stub })[0]).toEqual({
      mismatch:
        'vector_add_kernel: its parameter 5 has 4 bytes at offset 48, not 4 bytes at offset 40',
    });
  });
});

describeOnStub('a launch', () => {
  test('is checked against the limits of the device', () => {
    const excesses = [
      '',
      '',
      'a grid of 1 x 65536 x 1 blocks, with a limit of 2147483647 x 65535 x 65535',
      'a grid of 1 x 1 x 65536 blocks, with a limit of 2147483647 x 65535 x 65535',
      'a grid of 2147483648 x 1 x 1 blocks, with a limit of 2147483647 x 65535 x 65535',
      'a grid of 0 x 1 x 1 blocks, with a limit of 2147483647 x 65535 x 65535',
      'a block of 1025 x 1 x 1 threads, with a limit of 1024 x 1024 x 64',
      'a block of 1 x 1 x 65 threads, with a limit of 1024 x 1024 x 64',
      'a block of 1 x 0 x 1 threads, with a limit of 1024 x 1024 x 64',
      'a block of 1056 threads, with a limit of 1024',
      'a block of 67108864 threads, with a limit of 1024',
      '49153 bytes of shared memory, with a limit of 49152',
    ].map((text) => ({ excess: text && `its launch needs ${text}` }));
    expect(runGpuLayer('excesses')).toEqual(excesses);
  });

  test('follows the launches before it in its stream, on memory of the device', () => {
    expect(runGpuLayer('steps')).toEqual([
      { reached: true },
      ...[0, 20, 40, 60].map((sum) => ({ sum: String(sum) })),
      { bytes: '16' },
    ]);
  });

  test('is seen to end by its word or by its stream, which also tells of a missing word', () => {
    expect(runGpuLayer('completions', { stub: { KERNEL_US: '20000' } })).toEqual([
      { 'reached at once': false },
      { reached: true },
      { 'reached at once': false },
      { reached: true },
      { operation: 'the kernel', status: 999 },
    ]);
  });

  test('that breaks the device fails its stream', () => {
    expect(
      runGpuLayer('steps', { stub: { FAULTS: 'kernel@2=fault:700', KERNEL_US: '20000' } }),
    ).toEqual([{ operation: 'cuStreamQuery', status: 700 }]);
  });
});

describeOnStub('a context', () => {
  test('may end before what is in it, or after', () => {
    const folder = mkdtempSync(join(tmpdir(), 'vgpu-layer-'));
    const report = join(folder, 'report');
    try {
      const lines = runGpuLayer('releases', { stub: { REPORT: report } });
      expect(lines).toEqual([{ readable: true }, { readable: true }, { destroyed: true }]);
      const contexts = readFileSync(report, 'utf8').trim().split('\n');
      // One of each was left in it.
      expect(contexts.map((line) => JSON.parse(line) as unknown)).toEqual([
        {
          streams: 1,
          registrations: 1,
          mostRegistrations: 1,
          allocations: 1,
          modules: 1,
          broken: 0,
        },
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
