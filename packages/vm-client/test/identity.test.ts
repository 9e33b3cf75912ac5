import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Claim, resolveIdentity } from '../src/identity.js';

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const claim: fc.Arbitrary<Claim> = fc.record({
  pool: maybe(fc.constantFrom('A' as const, 'B' as const)),
  priority: maybe(fc.constantFrom(0 as const, 1 as const, 2 as const)),
  vm: maybe(fc.integer({ min: 1, max: 0xffff_ffff })),
});

describe('resolveIdentity', () => {
  test('takes each field from the first source that has it', () => {
    fc.assert(
      fc.property(fc.array(claim, { maxLength: 4 }), fc.nat(5), (sources, vm) => {
        const named = [...sources, { vm: vm + 1 }];
        const identity = resolveIdentity(...named);
        for (const field of ['pool', 'priority', 'vm'] as const) {
          const owner = named.find((source: Claim) => source[field] !== undefined);
          const fallback = { pool: 'A', priority: 1, vm: undefined }[field];
          expect(identity[field]).toBe(owner?.[field] ?? fallback);
        }
      }),
    );
  });

  test('keeps priority 0', () => {
    expect(resolveIdentity({ vm: 3, priority: 0 }, { priority: 2 })).toEqual({
      pool: 'A',
      priority: 0,
      vm: 3,
    });
  });

  test('refuses to guess which VM this is', () => {
    fc.assert(
      fc.property(fc.array(claim), (sources) => {
        const nameless = sources.map(({ pool, priority }) => ({ pool, priority }));
        expect(() => resolveIdentity(...nameless)).toThrow(
          expect.objectContaining({
            code: 'NO_IDENTITY',
            message: expect.stringMatching(/--vm-id.*--device/),
          }),
        );
      }),
    );
  });
});
