import { describe, expect, it } from '@jest/globals';
import * as z from 'zod/mini';
import {
  Identity,
  Int32,
  Int32List,
  parsePriority,
  Pool,
  Priority,
  priorityName,
  VmId,
} from '@vgpu/protocol';
import * as fc from 'fast-check';
import { identity, int32, pair, vmId } from './helpers.js';

describe('a priority', () => {
  it.each([
    ['high', 2],
    ['medium', 1],
    ['low', 0],
    ['2', 2],
    ['1', 1],
    ['0', 0],
  ])('may be written %s', (text, priority) => {
    expect(parsePriority(text)).toBe(priority);
  });

  it.each([
    '',
    '3',
    '-1',
    '-0',
    '00',
    '02',
    '1.0',
    ' 1',
    '1\n',
    '0x1',
    'High',
    'HIGH',
    'lo',
    'high ',
    'low\n',
    'length',
    'constructor',
    '__proto__',
  ])('may not be written %j', (text) => {
    expect(parsePriority(text)).toBeUndefined();
  });

  it('has these six spellings only', () => {
    const ways = ['high', 'medium', 'low', '0', '1', '2'];
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
        expect(parsePriority(text) === undefined).toBe(!ways.includes(text));
      }),
    );
  });

  it.each([
    [2, 'high'],
    [1, 'medium'],
    [0, 'low'],
  ] as const)('%i has the name %s', (priority, name) => {
    expect(priorityName(priority)).toBe(name);
    expect(parsePriority(name)).toBe(priority);
  });

  it.each([-1, 3, 0.5, NaN, '0', '2', 'high', null, undefined, true])('is not %p', (value) => {
    expect(Priority.safeParse(value).success).toBe(false);
  });
});

describe('a pool', () => {
  it('is A or B', () => {
    expect(Pool.options).toEqual(['A', 'B']);
    for (const value of ['a', 'C', '', 'AB', 0x41, undefined]) {
      expect(Pool.safeParse(value).success).toBe(false);
    }
  });
});

describe("a VM's number", () => {
  it('is a whole number from 1 to 4294967295', () => {
    fc.assert(
      fc.property(vmId, (id) => {
        expect(VmId.parse(id)).toBe(id);
      }),
    );
    for (const value of [0, -1, 1.5, 4_294_967_296, Infinity, NaN, '1', 1n, null]) {
      expect(VmId.safeParse(value).success).toBe(false);
    }
  });
});

describe('an identity', () => {
  it('is a pool, a priority and a VM', () => {
    fc.assert(
      fc.property(identity, (who) => {
        expect(Identity.parse(who)).toEqual(who);
      }),
    );
    expect(Identity.safeParse({ pool: 'A', priority: 1 }).success).toBe(false);
    expect(Identity.safeParse(undefined).error?.issues).toMatchObject([
      { message: 'an object with pool, priority and vm' },
    ]);
  });
});

describe('an int32', () => {
  it('is a whole number in the range of the GPU', () => {
    fc.assert(
      fc.property(int32, (value) => {
        expect(Int32.parse(value)).toBe(value);
      }),
    );
    for (const value of [2_147_483_648, -2_147_483_649, 0.5, NaN, '1', 1n]) {
      expect(Int32.safeParse(value).success).toBe(false);
    }
  });
});

describe('a list of int32', () => {
  it('is decoded and encoded without loss', () => {
    fc.assert(
      fc.property(pair, ({ a }) => {
        const text = [...a].join(',');
        expect(z.encode(Int32List, a)).toBe(text);
        expect(z.decode(Int32List, text)).toEqual(a);
      }),
    );
  });

  it('is never empty', () => {
    expect(z.safeDecode(Int32List, '').success).toBe(false);
    expect(z.safeEncode(Int32List, new Int32Array()).success).toBe(false);
  });
});
