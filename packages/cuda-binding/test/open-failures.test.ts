import { expect, test } from '@jest/globals';

import { childOf, describeOnStub, runChild } from './support/stub.js';

interface Line {
  readonly fault: string;
  readonly error?: Readonly<Record<'message' | 'code' | 'operation', string>>;
  readonly otherSum: number;
  readonly sumAfterwards: unknown;
  readonly isolatedSum?: unknown;
}

// Every call of the driver that opening a device makes: its symbol, the number of the call that fails,
// and the status.
const rows: readonly [symbol: string, nth: number, status: number, code: string][] = [
  ['cuInit', 1, 999, 'UNKNOWN'],
  ['cuInit', 2, 999, 'UNKNOWN'],
  ['cuDeviceGetCount', 1, 4, 'DEINITIALIZED'],
  ['cuDeviceGet', 1, 101, 'INVALID_DEVICE'],
  ['cuDeviceGet', 3, 101, 'INVALID_DEVICE'],
  ['cuDeviceGet', 4, 101, 'INVALID_DEVICE'],
  ['cuDeviceGetName', 1, 1, 'INVALID_VALUE'],
  ['cuDeviceGetUuid_v2', 2, 1, 'INVALID_VALUE'],
  ['cuDeviceTotalMem_v2', 3, 201, 'INVALID_CONTEXT'],
  ['cuDeviceGetPCIBusId', 1, 1, 'INVALID_VALUE'],
  ['cuDeviceGetAttribute', 1, 1, 'INVALID_VALUE'],
  ['cuDeviceGetAttribute', 2, 1, 'INVALID_VALUE'],
  ['cuDeviceGetAttribute', 6, 1, 'INVALID_VALUE'],
  ['cuDeviceGetAttribute', 7, 1, 'INVALID_VALUE'],
  ['cuDeviceGetAttribute', 14, 1, 'INVALID_VALUE'],
  ['cuCtxCreate_v2', 1, 2, 'OUT_OF_MEMORY'],
  ['cuModuleLoadData', 1, 209, 'NO_BINARY_FOR_GPU'],
  ['cuModuleGetFunction', 1, 500, 'NOT_FOUND'],
  ['cuModuleGetFunction', 2, 500, 'NOT_FOUND'],
  ['cuFuncGetParamInfo', 1, 400, 'INVALID_HANDLE'],
  ['cuFuncGetParamInfo', 8, 400, 'INVALID_HANDLE'],
  ['cuStreamCreate', 1, 2, 'OUT_OF_MEMORY'],
  ['cuMemHostRegister_v2', 1, 2, 'OUT_OF_MEMORY'],
  ['cuMemHostRegister_v2', 2, 2, 'OUT_OF_MEMORY'],
  ['cuMemHostRegister_v2', 2, 700, 'ILLEGAL_ADDRESS'],
  ['cuMemHostGetDevicePointer_v2', 1, 1, 'INVALID_VALUE'],
  ['cuMemHostGetDevicePointer_v2', 2, 1, 'INVALID_VALUE'],
  ['cuCtxPushCurrent_v2', 1, 201, 'INVALID_CONTEXT'],
  ['cuCtxPushCurrent_v2', 2, 201, 'INVALID_CONTEXT'],
  ['cuLaunchKernel', 1, 701, 'LAUNCH_OUT_OF_RESOURCES'],
  ['cuLaunchKernel', 2, 719, 'LAUNCH_FAILED'],
  ['cuStreamSynchronize', 1, 214, 'ECC_UNCORRECTABLE'],
  ['cuStreamSynchronize', 2, 719, 'LAUNCH_FAILED'],
];
const faults = rows.map(([symbol, nth, status]) => `${symbol}@${nth}=${status}`);

describeOnStub('opening a device', () => {
  const child = childOf<Line>('open-failures', {
    args: [...faults, 'kernel@1=silent', 'kernel@2=silent'],
  });

  const lineOf = (fault: string) => child().lines.find((line) => line.fault === fault);

  test.each(rows)('says that %s failed at call %d with %d', (symbol, nth, status, name) => {
    const line = lineOf(`${symbol}@${nth}=${status}`);
    // The documented names have no version.
    const operation = symbol.replace(/_v2$/, '');
    const code = `CUDA_ERROR_${name}`;
    const isDeviceLost = ![1, 2, 701].includes(status);
    expect(line?.error).toMatchObject({ name: 'CudaError', code, operation, status, isDeviceLost });
    expect(line?.error?.message).toContain(
      `: ${operation} failed with ${code} (${status}, description of ${status}): `,
    );
  });

  test.each([
    ['cuInit@1=999', 'load the kernel module nvidia-uvm'],
    ['cuInit@2=999', 'load the kernel module nvidia-uvm'],
    ['cuDeviceGetCount@1=4', 'see whether `nvidia-smi` works'],
    ['cuDeviceGet@1=101', 'list the devices again'],
    ['cuCtxCreate_v2@1=2', 'free memory of the GPU'],
    ['cuModuleLoadData@1=209', 'this GPU is older than'],
    ['cuModuleGetFunction@1=500', 'open the device in another process'],
    ['cuFuncGetParamInfo@1=400', 'open the device in another process'],
    ['cuMemHostRegister_v2@1=2', 'free memory of this machine'],
  ])('says what to do, and not to close what is not open: %s', (fault, remedy) => {
    const message = lineOf(fault)?.error?.message;
    expect(message).toContain(`): ${remedy}`);
    expect(message).not.toContain('close the device');
  });

  test.each([
    ['kernel@1=silent', 'scalar_add_kernel'],
    ['kernel@2=silent', 'vector_add_kernel'],
  ])('tries the kernels out: %s', (fault, operation) => {
    expect(lineOf(fault)?.error).toMatchObject({ operation, status: 999, isDeviceLost: true });
  });

  test.each([
    ['kernel@1=fault:700', 700],
    ['kernel@2=fault:719', 719],
  ])('that has a fault can be done again in another process: %s', async (fault, status) => {
    const { lines, ...end } = await runChild<Line>('open-failures', { args: [fault] });
    expect(end).toMatchObject({ status: 0, signal: null, stderr: '' });
    const error = (operation: string) =>
      expect.objectContaining({ operation, status, isDeviceLost: true }) as unknown;
    expect(lines).toEqual([
      {
        fault,
        error: error('cuStreamSynchronize'),
        otherSum: 3,
        sumAfterwards: { error: error('cuCtxCreate') },
        isolatedSum: { value: 7 },
      },
    ]);
  });

  test('can be done again after each failure, and disturbs no other device', () => {
    expect(child()).toMatchObject({ status: 0, signal: null, stderr: '' });
    expect(child().lines).toHaveLength(faults.length + 2);
    for (const line of child().lines) {
      expect(line).toMatchObject({ otherSum: 3, sumAfterwards: { value: 7 } });
    }
  });

  test('leaves nothing behind', () => {
    // A context that is broken releases everything itself.
    const left = child().contexts.filter(
      ({ broken, registrations, streams, modules }) =>
        broken === 0 && registrations + streams + modules > 0,
    );
    expect(left).toEqual([]);
    // Failures before there is a context, and the one that creates none, leave nothing to destroy.
    const created = rows.findIndex(([symbol]) => symbol === 'cuCtxCreate_v2') + 1;
    expect(child().contexts).toHaveLength(1 + 2 * child().lines.length - created);
  });
});
