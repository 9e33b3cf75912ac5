import { expect, test } from '@jest/globals';

import { childOf, describeOnStub } from './support/stub.js';

interface Outcome {
  readonly value?: number;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly operation: string;
    readonly status: number;
    readonly isDeviceLost: boolean;
  };
}

interface Line {
  readonly row: string;
  readonly order: readonly number[];
  readonly outcomes: readonly Outcome[];
  readonly later: readonly Outcome[];
  readonly otherSum: number;
  readonly closed: Outcome;
  readonly sumAfterwards: Outcome;
  readonly isolatedSum?: Outcome;
}

/** A kind of call, a fault, the function in the error, and the statuses of three calls. */
type Row = readonly [kind: string, fault: string, operation: string, ends: readonly number[]];

/** Whether a later call is launched before a kernel breaks the context is left to chance. */
const NEXT = 'cuStreamSynchronize or cuLaunchKernel';

const refused: readonly Row[] = [
  ['scalar', 'cuLaunchKernel@2=701', 'cuLaunchKernel', [0, 701, 0]],
  ['scalar', 'cuLaunchKernel@1=2', 'cuLaunchKernel', [2, 0, 0]],
  ['scalar', 'cuLaunchKernel@1+=701', 'cuLaunchKernel', [701, 701, 701]],
  ['scalar', 'cuCtxPushCurrent_v2@3=2', 'cuCtxPushCurrent', [0, 0, 2]],
  ['pinned', 'cuLaunchKernel@2=2', 'cuLaunchKernel', [0, 2, 0]],
  ['short', 'cuLaunchKernel@2=701', 'cuLaunchKernel', [0, 701, 0]],
  ['short', 'cuCtxPushCurrent_v2@1=2', 'cuCtxPushCurrent', [2, 0, 0]],
  ['long', 'cuCtxSetCurrent@1=2', 'cuCtxSetCurrent', [2, 0, 0]],
  ['long', 'cuStreamCreate@1=2', 'cuStreamCreate', [2, 0, 0]],
  ['long', 'cuMemHostRegister_v2@1=2', 'cuMemHostRegister', [2, 0, 0]],
  ['long', 'cuMemHostGetDevicePointer_v2@1=1', 'cuMemHostGetDevicePointer', [1, 0, 0]],
  ['long', 'cuLaunchKernel@2=701', 'cuLaunchKernel', [0, 701, 0]],
  ['allocation', 'cuMemHostRegister_v2@2=2', 'cuMemHostRegister', [0, 2, 0]],
  ['allocation', 'cuMemHostRegister_v2@1+=2', 'cuMemHostRegister', [2, 2, 2]],
  ['allocation', 'cuMemHostGetDevicePointer_v2@3=1', 'cuMemHostGetDevicePointer', [0, 0, 1]],
  ['allocation', 'cuCtxPushCurrent_v2@1=1', 'cuCtxPushCurrent', [1, 0, 0]],
];

// Held kernels don't end while the calls are made: all three are in flight when the fault comes.
const held = 'kernel@1+=hold';
const fatal: readonly Row[] = [
  ['scalar', `cuLaunchKernel@3=719,${held}`, 'cuLaunchKernel', [719, 719, 719]],
  ['scalar', `cuStreamSynchronize@1=214,${held}`, 'cuStreamSynchronize', [214, 214, 214]],
  ['scalar', 'kernel@2=fault:700', NEXT, [0, 700, 700]],
  ['scalar', 'kernel@1+=silent', 'cuStreamSynchronize', [999, 999, 999]],
  ['pinned', `cuLaunchKernel@3=719,${held}`, 'cuLaunchKernel', [719, 719, 719]],
  ['pinned', 'kernel@2=fault:700', NEXT, [0, 700, 700]],
  ['pinned', 'kernel@3=silent', 'cuStreamSynchronize', [0, 0, 999]],
  ['short', `cuLaunchKernel@3=700,${held}`, 'cuLaunchKernel', [700, 700, 700]],
  ['short', 'kernel@2=fault:719', NEXT, [0, 719, 719]],
  ['short', 'kernel@1+=silent', 'cuStreamSynchronize', [999, 999, 999]],
  ['long', 'cuLaunchKernel@1=719', 'cuLaunchKernel', [719, 719, 719]],
  ['long', 'cuCtxSetCurrent@1=201', 'cuCtxSetCurrent', [201, 201, 201]],
  ['long', 'cuMemHostRegister_v2@1=700', 'cuMemHostRegister', [700, 700, 700]],
  ['long', 'kernel@1=fault:214', NEXT, [214, 214, 214]],
  ['long', 'kernel@1=silent', 'vector_add_kernel', [999, 999, 999]],
];

// Failures while a device is closed concern no caller.
const closing = [
  'cuCtxPushCurrent_v2@1+=201',
  'cuStreamSynchronize@1+=719',
  'cuStreamDestroy_v2@1+=400',
  'cuMemHostUnregister@1+=713',
  'cuCtxPopCurrent_v2@1+=201',
  'cuCtxDestroy_v2@1=719',
];

const rowOf = ([kind, fault]: Row) => `${kind} ${fault}`;
const ended = ({ outcomes }: Line) => outcomes.map(({ error }) => error?.status ?? 0);

describeOnStub('a failure', () => {
  const child = childOf<Line>('failures', {
    args: [...refused, ...fatal].map(rowOf),
    stub: { PROCESSORS: 2, DEVICES: 1 + refused.length + fatal.length },
  });

  function lineOf(row: Row): Line {
    const line = child().lines.find((line) => line.row === rowOf(row));
    if (line === undefined) throw new Error(`the child has ended before: ${child().stderr}`);
    return line;
  }

  function expectErrors(line: Line, operation: string, isDeviceLost: boolean): void {
    for (const { value, error } of line.outcomes) {
      if (error === undefined) {
        expect(value).toBe(3);
        continue;
      }
      expect(error).toMatchObject({ name: 'CudaError', isDeviceLost });
      expect(operation.split(' or ')).toContain(error.operation);
      expect(error.message).toContain(`: ${error.operation} failed with ${error.code} (`);
    }
  }

  test.each(refused)('of one call is its own: %s %s', (...row) => {
    const [, , operation, ends] = row;
    const line = lineOf(row);
    expect(ended(line)).toEqual(ends);
    expectErrors(line, operation, false);
    expect(line.later).toEqual(Array.from({ length: 5 }, () => ({ value: 3 })));
  });

  test.each(fatal)('of the device is that of all: %s %s', (...row) => {
    const [, , operation, ends] = row;
    const line = lineOf(row);
    expect(ended(line)).toEqual(ends);
    expectErrors(line, operation, true);
    const { code } = line.outcomes[2]?.error ?? {};
    expect(line.later).toHaveLength(5);
    for (const { error } of line.later) expect(error).toMatchObject({ code, isDeviceLost: true });
  });

  test.each([...refused, ...fatal])('keeps the order and the others: %s %s', (...row) => {
    expect(lineOf(row)).toMatchObject({
      // Allocations are not additions, and settle when they are done.
      order: row[0] === 'allocation' ? expect.anything() : [0, 1, 2],
      otherSum: 3,
      closed: {},
    });
    expect(lineOf(row).closed.error).toBeUndefined();
  });

  test.each([...refused, ...fatal])('lets the device be reopened: %s %s', (...row) => {
    const { sumAfterwards, isolatedSum } = lineOf(row);
    const [, status] = /=fault:(\d+)/.exec(row[1]) ?? [];
    if (status === undefined) {
      expect(sumAfterwards).toEqual({ value: 7 });
      return;
    }
    const operation = 'cuCtxCreate';
    expect(sumAfterwards).toMatchObject({ error: { operation, status: Number(status) } });
    expect(isolatedSum).toEqual({ value: 7 });
  });

  test('leaves nothing behind', () => {
    expect(child()).toMatchObject({ status: 0, signal: null, stderr: '' });
    for (const { broken, streams, registrations } of child().contexts) {
      if (broken === 0)
        expect({ streams, registrations }).toEqual({ streams: 0, registrations: 0 });
    }
    expect(child().contexts).toHaveLength(1 + 2 * child().lines.length);
  });
});

describeOnStub('a failure while a device is closed', () => {
  const child = childOf<{ fault: string; closed: Outcome; sumAfterwards: number }>(
    'close-failures',
    { args: closing },
  );

  test.each(closing)('is ignored: %s', (fault) => {
    const line = child().lines.find((line) => line.fault === fault);
    expect(line).toEqual({ fault, closed: {}, sumAfterwards: 7 });
  });
});
