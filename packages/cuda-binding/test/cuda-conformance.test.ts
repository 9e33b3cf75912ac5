import { expect, test } from '@jest/globals';

import { conformance } from '../src/conformance.js';
import { childOf, describeOnStub, type ChildOptions } from './support/stub.js';

const names = conformance(() => Promise.reject(new Error('not here'))).map(({ name }) => name);

const settings: readonly [string, ChildOptions][] = [
  ['instantaneous kernels', {}],
  // The event loop notices some ends, and a thread waits for others.
  ['kernels of 0.3 ms', { stub: { KERNEL_US: 300 } }],
  // A thread waits for all.
  ['kernels of 3 ms', { stub: { KERNEL_US: 3000 } }],
  ['a process of its own', { args: ['isolated'], stub: { KERNEL_US: 300 } }],
  ['four lanes', { stub: { KERNEL_US: 300, PROCESSORS: 8 } }],
];

for (const [name, options] of settings) {
  describeOnStub(`a CUDA device with ${name}`, () => {
    const child = childOf<{ name: string; outcome: string }>('conformance', options);

    test.each(names)('%s', (which) => {
      const [line] = child().lines.filter(({ name }) => name === which);
      expect(line?.outcome).toBe('passed');
    });

    if (name === 'four lanes') {
      test('puts more than one lane to work', () => {
        const most = Math.max(...child().contexts.map((context) => context.mostRegistrations));
        // The ring, the scratch memory, and the staging memory of each lane.
        expect(most).toBeGreaterThanOrEqual(4);
      });
    }

    test('is left with nothing', () => {
      expect(child()).toMatchObject({ status: 0, signal: null, stderr: '' });
      expect(child().contexts).toHaveLength(names.length);
      for (const { streams, registrations, broken } of child().contexts) {
        expect({ streams, registrations, broken }).toEqual({
          streams: 0,
          registrations: 0,
          broken: 0,
        });
      }
    });
  });
}
