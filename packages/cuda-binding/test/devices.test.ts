import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { compileStub, describeOnStub, runChild } from './support/stub.js';

interface Line {
  readonly devices?: unknown;
  readonly device?: { readonly backend: string; readonly index: number; readonly name: string };
  readonly error?: { readonly name: string; readonly code: string; readonly message: string };
  readonly reasons?: readonly string[];
  readonly sum?: number;
}

const auto = '{}';
const cuda = '{"backend":"cuda"}';

describeOnStub('devices', () => {
  test('are listed with all that identifies them', async () => {
    const { lines } = await runChild<Line>('devices');
    const common = { backend: 'cuda', memoryBytes: 141 * 2 ** 30, computeCapability: '9.0' };
    expect(lines[0]?.devices).toEqual([
      {
        ...common,
        index: 0,
        name: 'Stub GPU 0',
        uuid: 'GPU-00102030-4050-6070-8090-a0b0c0d0e0f0',
        pciBusId: '0000:3b:00.0',
      },
      {
        ...common,
        index: 1,
        name: 'Stub GPU 1',
        uuid: 'GPU-01112131-4151-6171-8191-a1b1c1d1e1f1',
        pciBusId: '0000:3c:00.0',
      },
    ]);
  });

  test('have the same description when they are open', async () => {
    const { lines } = await runChild<Line>('devices', {
      args: [auto, '{"backend":"cuda","index":1}'],
    });
    const [list, first, second] = lines;
    expect(first).toMatchObject({ reasons: [], sum: 300 });
    expect(second).toMatchObject({ reasons: [], sum: 300 });
    expect([first?.device, second?.device]).toEqual(list?.devices);
  });

  test('that are not there are no reason to fall back', async () => {
    const { lines } = await runChild<Line>('devices', {
      args: ['{"index":2}', '{"backend":"cuda","index":7}'],
    });
    const message =
      'expected a CUDA device that is there, received index 2, but there are devices 0 to 1: see `nvidia-smi -L` and CUDA_VISIBLE_DEVICES';
    expect(lines[1]).toMatchObject({ error: { code: 'NO_SUCH_DEVICE', message }, reasons: [] });
    expect(lines[2]).toMatchObject({ error: { code: 'NO_SUCH_DEVICE' }, reasons: [] });
  });

  test('may be one', async () => {
    const { lines } = await runChild<Line>('devices', {
      args: ['{"index":1}', auto],
      stub: { DEVICES: 1 },
    });
    expect(lines[1]?.error?.message).toContain('but there is only device 0:');
    expect(lines[2]).toMatchObject({ device: { backend: 'cuda', index: 0 }, sum: 300 });
  });

  test('may be none', async () => {
    const { lines } = await runChild<Line>('devices', {
      args: [cuda, auto, '{"index":2}'],
      stub: { DEVICES: 0 },
    });
    const error = {
      name: 'CudaError',
      code: 'CUDA_ERROR_NO_DEVICE',
      operation: 'cuInit',
      status: 100,
    };
    expect(lines[0]?.error).toMatchObject(error);
    expect(lines[0]?.error?.message).toContain('see whether `nvidia-smi` lists a GPU');
    expect(lines[1]).toMatchObject({ error, reasons: [] });
    const reasons = ['CUDA_ERROR_NO_DEVICE'];
    expect(lines[2]).toMatchObject({ device: { backend: 'cpu', index: 0 }, reasons, sum: 300 });
    expect(lines[3]).toMatchObject({ device: { backend: 'cpu', index: 2 }, reasons, sum: 300 });
  });

  test('need a driver that has all functions in use', async () => {
    const { lines } = await runChild<Line>('devices', {
      library: compileStub('-DcuLaunchKernel=cuLaunchKernelOfOldTimes'),
      args: [cuda],
    });
    for (const line of lines) {
      expect(line.error).toMatchObject({ name: 'DeviceError', code: 'BACKEND_UNAVAILABLE' });
      expect(line.error?.message).toContain('has no function cuLaunchKernel: it is too old');
    }
    expect(lines).toHaveLength(2);
  });
});

describe('without a driver', () => {
  let library: string;

  beforeAll(() => {
    // Where there is a driver, this comes before it in the search.
    library = mkdtempSync(join(tmpdir(), 'vgpu-no-driver-'));
    writeFileSync(join(library, 'libcuda.so.1'), '');
  });

  afterAll(() => {
    rmSync(library, { recursive: true });
  });

  test('listing and opening say why', async () => {
    const { lines, stderr } = await runChild<Line>('devices', { library, args: [cuda] });
    for (const [i, what] of ['listing the CUDA devices', 'listing the CUDA devices'].entries()) {
      expect(lines[i]?.error).toMatchObject({ name: 'DeviceError', code: 'BACKEND_UNAVAILABLE' });
      expect(lines[i]?.error?.message).toMatch(
        new RegExp(
          `^${what}: expected the NVIDIA driver on this machine, but it can't be opened \\(.*libcuda\\.so\\.1: file too short\\): install it, or use the 'cpu' backend$`,
        ),
      );
    }
    expect(stderr).toBe('');
  });

  test('auto takes the CPU and tells', async () => {
    const { lines } = await runChild<Line>('devices', { library, args: ['{"index":3}'] });
    expect(lines[1]).toEqual({
      device: { backend: 'cpu', index: 3, name: 'CPU' },
      reasons: ['BACKEND_UNAVAILABLE'],
      sum: 300,
    });
  });
});
