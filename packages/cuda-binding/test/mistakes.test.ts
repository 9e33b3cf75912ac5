import { expect, test } from '@jest/globals';

import { describeOnStub, runChild } from './support/stub.js';

// The result of such a call is undefined, but the device goes on with all others.
const mistakes = [
  'long operands shrink in flight',
  'a long result shrinks in flight',
  'short operands shrink in flight',
  'short results shrink in flight',
  'long operands shrink right after the call',
  'a long result shrinks right after the call',
  'a long operand is transferred right after the call',
  'a first operand is transferred right after the call',
  'a short result is transferred right after the call',
  'short operands shrink right after the call',
];

describeOnStub('a caller that takes memory away harms nobody else', () => {
  test.each(mistakes)('%s', async (mistake) => {
    const { status, signal, stderr, lines } = await runChild('mistakes', { args: [mistake] });
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
    expect(lines).toEqual([
      { mistake: expect.stringMatching(/^(?:resolved|rejected)$/) as unknown },
      [{ value: 3 }, { value: 3 }, { value: 3 }],
    ]);
  });
});
