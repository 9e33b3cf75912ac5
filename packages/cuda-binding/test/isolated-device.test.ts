import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { describeOnStub, runChild, type ChildOptions } from './support/stub.js';

/** The output of a child without errors, which leaves no process behind. */
async function linesOf(
  name: string,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<readonly unknown[]> {
  const { status, signal, stderr, lines } = await runChild(name, { ...options, args });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  return lines;
}

const isolated = (action: string, options: ChildOptions = {}) =>
  linesOf('isolated', [action], options);

function cudaError(operation: string, status: number): object {
  const error = { name: 'CudaError', operation, status, isDeviceLost: true };
  return { error: expect.objectContaining(error) as unknown };
}

const LOST = 'DEVICE_LOST true';

describeOnStub('a device in a process of its own', () => {
  test('can be opened after a fault, again and again', async () => {
    expect(await isolated('a fault')).toEqual([
      cudaError('cuStreamSynchronize', 700),
      cudaError('cuLaunchKernel', 700),
      cudaError('cuCtxCreate', 700),
      { value: 7 },
      cudaError('cuStreamSynchronize', 719),
      cudaError('cuStreamSynchronize', 719),
      { value: 7 },
      cudaError('cuStreamSynchronize', 700),
      cudaError('cuStreamSynchronize', 700),
      { value: 7 },
      { value: 3 },
      { value: 3 },
      { value: 11 },
    ]);
  });

  test('gives the errors that a device in this process gives', async () => {
    const lines = (await isolated('the same errors')) as readonly (readonly unknown[])[];
    for (const [there, here] of lines) {
      expect(there).toEqual(here);
      expect(there).toMatchObject({
        error: { name: 'CudaError', operation: expect.stringMatching(/^cu/) },
        isInstance: [true, true, true],
      });
    }
    expect(lines.map(([there]) => there)).toMatchObject([
      { error: { status: 701, isDeviceLost: false }, later: { value: 3 } },
      { error: { status: 999, isDeviceLost: true }, later: { error: { status: 999 } } },
      { error: { status: 719, isDeviceLost: true }, later: { error: { status: 719 } } },
    ]);
  });

  test('gives results that share no memory', async () => {
    expect(await isolated('has memory of its own')).toEqual([
      { areRight: true, buffers: 20, bytes: [404] },
    ]);
  });

  test('has an error for an `out` that was transferred', async () => {
    expect(await isolated('has no `out` any more')).toEqual([
      expect.objectContaining({ name: 'DeviceError', code: 'OPERANDS_CHANGED' }),
      3,
    ]);
  });

  test('may belong to a worker', async () => {
    expect(await isolated('in a worker')).toEqual([{ scalar: 3, isRight: true }]);
  });

  test.each([0, 300])('keeps the order, with kernels of %d microseconds', async (kernelUs) => {
    const stub = { KERNEL_US: kernelUs };
    expect(await linesOf('in-flight', ['many', 'isolated'], { stub })).toEqual([
      { isInOrder: true, right: 1300 },
    ]);
  });

  test.each([
    // Memory that is pinned for other devices is ordinary memory here.
    ['the time', [0.001, 'short', 0.001, 'pinned', 'long', 'empty']],
    ['the time of what fails', ['rejected']],
    ['it throws', Array.from({ length: 17 }, (_, i) => ['on purpose', 2 * i]).flat()],
    ['it makes calls', ['outer', 'next', 'inner', 'closed']],
  ])('calls onDeviceTime: %s', async (action, expected) => {
    expect(await linesOf('in-flight', [action, 'isolated'])).toEqual([expected]);
  });

  test('adds to and from any memory', async () => {
    const rows = [1, 16_384, 300_000].flatMap((length) =>
      [
        'pinned, pinned, pinned',
        'pinned view, ordinary view, a new array',
        'ordinary view, pinned, ordinary view',
        'ordinary, ordinary view, a',
        'ordinary, a, a',
        'shared, shared, b',
        'shared, shared, shared',
      ].map((places) => `${length}, ${places}`),
    );
    const right = { isOut: true, isRight: true, areOperandsKept: true, isGuarded: true };
    const times = (row: string) => (row.startsWith('300000') ? [] : ['number']);
    expect(await linesOf('out', ['isolated', ...rows])).toEqual(
      rows.map((row) => ({ row, ...right, times: times(row) })),
    );
  });
});

describeOnStub('opening a device in a process of its own', () => {
  const auto = '{"isolated":true}';
  const cuda = '{"isolated":true,"backend":"cuda"}';

  test('gives the same description', async () => {
    const [list, first, second] = await linesOf('devices', [auto, '{"isolated":true,"index":1}']);
    const { devices } = list as { readonly devices: readonly unknown[] };
    expect(first).toEqual({ device: devices[0], reasons: [], sum: 300 });
    expect(second).toEqual({ device: devices[1], reasons: [], sum: 300 });
  });

  test('that is not there is no reason to fall back', async () => {
    const [, ...lines] = await linesOf('devices', ['{"isolated":true,"index":2}']);
    const code = 'NO_SUCH_DEVICE';
    expect(lines).toMatchObject([{ error: { name: 'DeviceError', code }, reasons: [] }]);
  });

  test('fails, or falls back, for the reasons of the driver', async () => {
    const [, ...lines] = await linesOf('devices', [cuda, auto], {
      stub: { FAULTS: 'cuCtxCreate_v2@1=2' },
    });
    const code = 'CUDA_ERROR_OUT_OF_MEMORY';
    expect(lines).toMatchObject([
      { error: { name: 'CudaError', code, operation: 'cuCtxCreate', status: 2 }, reasons: [] },
      { device: { backend: 'cpu' }, reasons: [code], sum: 300 },
    ]);
  });

  test('fails, or falls back, where there is no driver', async () => {
    // Where there is one, this comes before it in the search.
    const library = mkdtempSync(join(tmpdir(), 'vgpu-no-driver-'));
    writeFileSync(join(library, 'libcuda.so.1'), '');
    try {
      const [, ...lines] = await linesOf('devices', [cuda, auto], { library });
      const code = 'BACKEND_UNAVAILABLE';
      expect(lines).toMatchObject([
        { error: { name: 'DeviceError', code, isDeviceLost: false }, reasons: [] },
        { device: { backend: 'cpu' }, reasons: [code], sum: 300 },
      ]);
    } finally {
      rmSync(library, { recursive: true });
    }
  });
});

describeOnStub('when the process of a device', () => {
  test('is killed, the device is lost', async () => {
    const message = expect.stringContaining('but it ended with signal SIGKILL: close the device');
    expect(await isolated('is killed')).toEqual([
      [1003, LOST],
      [LOST, LOST, LOST],
      message,
      {},
      'DEVICE_CLOSED false',
      3,
    ]);
  });

  test('was killed a moment ago, calls reject', async () => {
    expect(await isolated('is killed and used at once')).toEqual([[LOST, LOST, LOST, LOST], {}]);
  });

  test('was killed a moment ago, close() resolves', async () => {
    expect(await isolated('is killed and closed at once')).toEqual([
      [LOST, 'DEVICE_CLOSED false'],
      [{}, {}],
      7,
    ]);
  });

  test('is killed while the device opens, that rejects', async () => {
    expect(await isolated('is killed while it opens')).toEqual([LOST]);
  });

  test('hangs, close() ends it', async () => {
    expect(await isolated('is closed while it hangs')).toEqual([[LOST, LOST], {}, 'gone']);
  });
});
