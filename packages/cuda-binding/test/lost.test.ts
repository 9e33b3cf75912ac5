import { expect, test } from '@jest/globals';

import { describeOnStub, runChild } from './support/stub.js';

interface Outcome {
  readonly value?: unknown;
  readonly error?: Readonly<Record<'code' | 'message' | 'operation', string>> & {
    readonly isDeviceLost: boolean;
  };
}

describeOnStub('isDeviceLost', () => {
  test.each([
    ['an allocation', 'cuMemHostRegister_v2@1=700'],
    ['an allocation', 'cuMemHostRegister_v2@1=2'],
    ['an allocation', 'cuCtxPushCurrent_v2@1=201'],
    ['an addition', 'cuStreamSynchronize@1=719,kernel@1+=hold'],
    ['an addition', 'cuStreamSynchronize@1=2,kernel@1+=hold'],
    ['an addition', 'cuCtxPushCurrent_v2@2=2,kernel@1+=hold'],
  ])('tells whether later calls can succeed: %s, %s', async (what, fault) => {
    const { status, stderr, lines } = await runChild<Outcome>('lost', { args: [what, fault] });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [failed, addition, allocation, closed] = lines;
    const { code, isDeviceLost } = failed?.error ?? {};
    expect(isDeviceLost).toBeDefined();
    const lost = { error: expect.objectContaining({ code, isDeviceLost: true }) as unknown };
    expect([addition, allocation]).toEqual(
      isDeviceLost ? [lost, lost] : [{ value: 3 }, { value: [0, 0] }],
    );
    expect(closed).toEqual({});
  });
});

describeOnStub('an array that is collected', () => {
  test.each(['cuCtxPushCurrent_v2@2+=700', 'cuMemHostUnregister@1+=700'])(
    'does no harm on a device that is lost: %s',
    async (fault) => {
      const { status, signal, stderr, lines } = await runChild('lost', {
        args: ['an array is collected', fault],
        nodeFlags: ['--expose-gc'],
      });
      expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
      expect(lines).toHaveLength(4);
      expect(lines[0]).toEqual({});
    },
  );
});
