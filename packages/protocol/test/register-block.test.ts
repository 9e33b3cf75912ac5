import { describe, expect, it } from '@jest/globals';
import {
  decodeRegisterBlock,
  encodeRegisterBlock,
  REGISTER_BLOCK_BYTES,
  REGISTER_BLOCK_MAGIC,
  RegisterBlock,
  REGISTERS,
} from '@vgpu/protocol';
import * as fc from 'fast-check';
import * as vm from 'node:vm';
import * as z from 'zod';
import { anyValue, attempt, identity, rejectionOf } from './helpers.js';

const MAGIC = 0x5550_4756;

/** A block of these words at 0x000, 0x004 and so on, and of zeros up to its length. */
function blockOf(words: readonly number[], length = 4096): Uint8Array {
  const block = new Uint8Array(length);
  const view = new DataView(block.buffer);
  for (const [index, word] of words.entries()) view.setUint32(4 * index, word, true);
  return block;
}

const word = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 0x40, 0x41, 0x42, 0x43, 0x61, 0x4100_0000, 0x0001_0041, 0x0041_0041),
  fc.constantFrom(0x0100, 0x0102, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff),
  fc.integer({ min: 0, max: 0xffff_ffff }),
);

describe('the register block', () => {
  it('has its registers at the offsets of the specification', () => {
    expect(REGISTERS).toEqual({
      MAGIC: 0x000,
      VERSION: 0x004,
      POOL_ID: 0x008,
      PRIORITY: 0x00c,
      VM_ID: 0x010,
    });
    expect(REGISTER_BLOCK_BYTES).toBe(4096);
    expect(REGISTER_BLOCK_MAGIC).toBe(MAGIC);
  });

  it('is written byte by byte: magic, version 1, pool, priority, VM, then zeros', () => {
    const block = encodeRegisterBlock({ pool: 'B', priority: 2, vm: 0x0102_0304 });
    expect(Buffer.from(block.subarray(0, 4)).toString('latin1')).toBe('VGPU');
    expect([...block.subarray(4, 20)]).toEqual([
      ...[1, 0, 0, 0],
      ...[0x42, 0, 0, 0],
      ...[2, 0, 0, 0],
      ...[4, 3, 2, 1],
    ]);
    expect(block).toHaveLength(4096);
    expect(block.subarray(20).every((byte) => byte === 0)).toBe(true);
  });

  it('encodes every identity, decodes to it again, and is encoded to the same bytes', () => {
    fc.assert(
      fc.property(identity, (who) => {
        const block = encodeRegisterBlock(who);
        const words = [MAGIC, 1, who.pool === 'A' ? 0x41 : 0x42, who.priority, who.vm];
        expect(Buffer.compare(block, blockOf(words))).toBe(0);
        expect(decodeRegisterBlock(block)).toEqual(who);
        expect(Buffer.compare(encodeRegisterBlock(decodeRegisterBlock(block)), block)).toBe(0);
      }),
    );
  });

  it('of the original device is decoded with any command and status registers', () => {
    fc.assert(
      fc.property(
        identity,
        word.filter((first) => first !== MAGIC),
        word,
        (who, first, second) => {
          const words = [first, second, who.pool === 'A' ? 0x41 : 0x42, who.priority, who.vm];
          expect(decodeRegisterBlock(blockOf(words))).toEqual(who);
          expect(decodeRegisterBlock(blockOf(words, 20))).toEqual(who);
        },
      ),
    );
  });

  it('accepts exactly the words of the specification, and names the first wrong register', () => {
    const seen = new Map<string, number>();
    const valid = fc.tuple(fc.constantFrom(0x41, 0x42), fc.constantFrom(0, 1, 2), word);
    const words = fc.oneof(valid, fc.tuple(word, word, word), valid.chain(oneWrong));
    fc.assert(
      fc.property(
        fc.constantFrom(0, MAGIC),
        fc.constantFrom(0, 1, 2),
        words,
        (magic, ver, rest) => {
          const [pool, priority, id] = rest;
          const wrong =
            magic === MAGIC && ver !== 1
              ? 'VERSION (0x004)'
              : pool !== 0x41 && pool !== 0x42
                ? 'POOL_ID (0x008)'
                : priority > 2
                  ? 'PRIORITY (0x00c)'
                  : id === 0
                    ? 'VM_ID (0x010)'
                    : undefined;
          const { value, error } = attempt(() =>
            decodeRegisterBlock(blockOf([magic, ver, ...rest])),
          );
          expect(error?.field).toBe(wrong === undefined ? undefined : `register ${wrong}`);
          expect(error?.code).toBe(wrong === undefined ? undefined : 'BAD_REGISTERS');
          if (wrong === undefined) {
            expect(value).toEqual({ pool: String.fromCharCode(pool), priority, vm: id });
          }
          seen.set(wrong ?? 'accepted', (seen.get(wrong ?? 'accepted') ?? 0) + 1);
        },
      ),
      { numRuns: 4000 },
    );
    // Otherwise the property above would prove little.
    expect([...seen.keys()].sort()).toEqual(
      [
        'PRIORITY (0x00c)',
        'POOL_ID (0x008)',
        'VERSION (0x004)',
        'VM_ID (0x010)',
        'accepted',
      ].sort(),
    );
  });

  it.each([
    ['all zeros', blockOf([]), "POOL_ID (0x008): expected 0x41 'A' or 0x42 'B', got 0x00000000"],
    [
      'all ones',
      new Uint8Array(4096).fill(0xff),
      "POOL_ID (0x008): expected 0x41 'A' or 0x42 'B', got 0xffffffff",
    ],
    [
      'a later version',
      blockOf([MAGIC, 2, 0x41, 1, 7]),
      'VERSION (0x004): expected 1, got 0x00000002',
    ],
    ['no version', blockOf([MAGIC, 0, 0x41, 1, 7]), 'VERSION (0x004): expected 1, got 0x00000000'],
    [
      'a wrong pool',
      blockOf([MAGIC, 1, 0x43, 1, 7]),
      "POOL_ID (0x008): expected 0x41 'A' or 0x42 'B', got 0x00000043",
    ],
    [
      'a pool that is one only in its lower half',
      blockOf([MAGIC, 1, 0x0001_0041, 1, 7]),
      "POOL_ID (0x008): expected 0x41 'A' or 0x42 'B', got 0x00010041",
    ],
    [
      'a big-endian pool',
      blockOf([MAGIC, 1, 0x4100_0000, 1, 7]),
      "POOL_ID (0x008): expected 0x41 'A' or 0x42 'B', got 0x41000000",
    ],
    [
      'a wrong priority',
      blockOf([0, 0, 0x42, 3, 7]),
      'PRIORITY (0x00c): expected 0, 1 or 2, got 0x00000003',
    ],
    [
      'a negative priority',
      blockOf([0, 0, 0x42, 0xffff_ffff, 7]),
      'PRIORITY (0x00c): expected 0, 1 or 2, got 0xffffffff',
    ],
    [
      'no VM',
      blockOf([0, 0, 0x42, 0, 0]),
      'VM_ID (0x010): expected 1 to 4294967295, got 0x00000000',
    ],
  ])('with %s is rejected by register and value', (_, block, message) => {
    const error = rejectionOf(() => decodeRegisterBlock(block));
    expect(error.code).toBe('BAD_REGISTERS');
    expect(error.message).toBe(`register ${message}`);
  });

  it('needs the 20 bytes of its registers, and no more', () => {
    const whole = encodeRegisterBlock({ pool: 'A', priority: 0, vm: 1 });
    for (let length = 0; length < 20; length++) {
      expect(rejectionOf(() => decodeRegisterBlock(whole.subarray(0, length)))).toMatchObject({
        code: 'BAD_REGISTERS',
        message: `register block: expected at least 20 bytes, got ${length} bytes`,
      });
    }
    for (const length of [20, 21, 4095]) {
      expect(decodeRegisterBlock(whole.subarray(0, length)).vm).toBe(1);
    }
  });

  it('is decoded through a view with an offset, aligned or not, and stays unchanged', () => {
    const who = { pool: 'B', priority: 1, vm: 4_294_967_295 } as const;
    for (let offset = 0; offset < 9; offset++) {
      const memory = new Uint8Array(4096 + 16).fill(0xa5);
      memory.set(encodeRegisterBlock(who), offset);
      const before = memory.slice();
      expect(decodeRegisterBlock(memory.subarray(offset, offset + 4096))).toEqual(who);
      expect(decodeRegisterBlock(Buffer.from(memory.buffer, offset, 20))).toEqual(who);
      expect(
        rejectionOf(() => decodeRegisterBlock(memory.subarray(offset, offset + 19))),
      ).toMatchObject({ field: 'register block', received: '19 bytes' });
      expect(Buffer.compare(memory, before)).toBe(0);
    }
  });

  it('may come from another realm', () => {
    const block = vm.runInNewContext('new Uint8Array(20)') as Uint8Array;
    expect(block).not.toBeInstanceOf(Uint8Array);
    block.set(blockOf([0, 0, 0x41, 2, 9], 20));
    expect(decodeRegisterBlock(block)).toEqual({ pool: 'A', priority: 2, vm: 9 });
  });

  it('has a zod codec that accepts the same', () => {
    const who = { pool: 'A', priority: 0, vm: 1 } as const;
    expect(z.decode(RegisterBlock, z.encode(RegisterBlock, who))).toEqual(who);
    expect(z.safeDecode(RegisterBlock, new Uint8Array(20)).success).toBe(false);
  });

  it('of any bytes is an identity or rejected in one line', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const { error } = attempt(() => decodeRegisterBlock(bytes));
        if (error !== undefined) expect(error.message).toMatch(/^[\x20-\x7e]{1,200}$/);
      }),
    );
  });
});

describe('decodeRegisterBlock', () => {
  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [[0, 1], 'an array'],
    ['VGPU', '"VGPU"'],
    [new ArrayBuffer(4096), 'an object'],
    [new Uint32Array(5), 'Uint32Array'],
    [new DataView(new ArrayBuffer(20)), 'DataView'],
  ])('rejects %p', (block, received) => {
    expect(rejectionOf(() => decodeRegisterBlock(block as never))).toMatchObject({
      code: 'BAD_REGISTERS',
      message: `register block: expected a Uint8Array, got ${received}`,
    });
  });
});

describe('encodeRegisterBlock', () => {
  const VM = 'a whole number from 1 to 4294967295';

  it.each([
    [undefined, 'register block: expected an object with pool, priority and vm, got undefined'],
    [{ pool: 'C', priority: 0, vm: 1 }, `pool: expected 'A' or 'B', got "C"`],
    [{ priority: 0, vm: 1 }, "pool: expected 'A' or 'B', got undefined"],
    [
      { pool: 'A', priority: 3, vm: 1 },
      'priority: expected 0 (low), 1 (medium) or 2 (high), got 3',
    ],
    [{ pool: 'A', priority: 0, vm: 0 }, `vm: expected ${VM}, got 0`],
    [{ pool: 'A', priority: 0, vm: 2 ** 32 }, `vm: expected ${VM}, got 4294967296`],
    [{ pool: 'A', priority: 0, vm: 1.5 }, `vm: expected ${VM}, got 1.5`],
  ])('rejects %p', (who, message) => {
    const error = rejectionOf(() => encodeRegisterBlock(who as never));
    expect(error).toMatchObject({ code: 'BAD_REGISTERS', message });
  });

  it('rejects every value whose spelling no decoder accepts', () => {
    const field = fc.oneof(anyValue, fc.constantFrom('A', 'B', 0, 1, 2, 7));
    const value = fc.oneof(
      anyValue,
      fc.record({ pool: field, priority: field, vm: field }, { requiredKeys: [] }),
      fc.record({ pool: fc.constant('A'), priority: fc.constant(1), vm: fc.double() }),
    );
    fc.assert(
      fc.property(value, (anything) => {
        const { value: block, error } = attempt(() => encodeRegisterBlock(anything as never));
        if (block === undefined) {
          expect(error.message).toMatch(/^[\x20-\x7e]{1,512}$/);
        } else {
          expect(decodeRegisterBlock(block)).toMatchObject(anything as object);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

/** The same words except for one. */
function oneWrong(words: [number, number, number]): fc.Arbitrary<[number, number, number]> {
  return fc.tuple(fc.nat({ max: 2 }), word).map(([index, value]) => {
    const changed: [number, number, number] = [...words];
    changed[index] = value;
    return changed;
  });
}
