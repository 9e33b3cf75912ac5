import { describe, expect, it } from '@jest/globals';
import {
  decodeRequestName,
  decodeResponseName,
  decodeVmDirectoryName,
  encodeRequestName,
  encodeResponseName,
  encodeVmDirectoryName,
  PLAIN_SLOT,
  RequestName,
  requestName,
  ResponseName,
  responseName,
  type Slot,
  slotOfRequest,
  slotOfResponse,
  VmDirectoryName,
} from '@vgpu/protocol';
import * as fc from 'fast-check';
import * as z from 'zod';
import { anyText, anyValue, attempt, mutated, rejectionOf, slot, slotId, vmId } from './helpers.js';

const ID = '1 to 64 of A-Z a-z 0-9 _ -';

const KINDS = [
  {
    kind: 'request',
    decode: decodeRequestName,
    encode: encodeRequestName,
    codec: RequestName,
    nameOf: requestName,
    slotOf: slotOfRequest,
    slotOfOther: slotOfResponse,
  },
  {
    kind: 'response',
    decode: decodeResponseName,
    encode: encodeResponseName,
    codec: ResponseName,
    nameOf: responseName,
    slotOf: slotOfResponse,
    slotOfOther: slotOfRequest,
  },
] as const;

/** The slot of a name by the specification, character by character. */
function judge(kind: string, name: string): Slot | undefined {
  if (name === `${kind}.txt`) return { kind: 'plain' };
  const start = `${kind}-`;
  if (!name.startsWith(start) || !name.endsWith('.txt')) return undefined;
  const id = name.slice(start.length, -'.txt'.length);
  const allowed = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-';
  if (id.length < 1 || id.length > 64) return undefined;
  const valid = Array.from(id).every((character) => allowed.includes(character));
  return valid ? { kind: 'named', id } : undefined;
}

describe.each(KINDS)(
  'the name of a $kind file',
  ({ kind, decode, encode, codec, nameOf, slotOf, slotOfOther }) => {
    it.each([
      [`${kind}.txt`, { kind: 'plain' }],
      [`${kind}-a.txt`, { kind: 'named', id: 'a' }],
      [`${kind}--.txt`, { kind: 'named', id: '-' }],
      [`${kind}-_.txt`, { kind: 'named', id: '_' }],
      [`${kind}-txt.txt`, { kind: 'named', id: 'txt' }],
      [`${kind}-0192-Zz_9.txt`, { kind: 'named', id: '0192-Zz_9' }],
      [`${kind}-${'x'.repeat(64)}.txt`, { kind: 'named', id: 'x'.repeat(64) }],
    ] satisfies [string, Slot][])('%s is one', (name, value) => {
      expect(decode(name)).toEqual(value);
      expect(slotOf(name)).toEqual(value);
      expect(encode(value)).toBe(name);
      expect(nameOf(value)).toBe(name);
    });

    it.each([
      '',
      '.txt',
      kind,
      `${kind}.tx`,
      `${kind}.TXT`,
      `${kind}.txt.txt`,
      `${kind}.txt/`,
      `${kind}.txt\n`,
      `${kind}.txt\r`,
      `${kind}.txt\0`,
      `${kind}.txt `,
      ` ${kind}.txt`,
      `\n${kind}.txt`,
      `/${kind}.txt`,
      `./${kind}.txt`,
      `.${kind}.txt`,
      `${kind.toUpperCase()}.TXT`,
      `${kind.charAt(0).toUpperCase()}${kind.slice(1)}.txt`,
      `${kind}_a.txt`,
      `${kind}a.txt`,
      `${kind}s.txt`,
      `${kind}-.txt`,
      `${kind}-a b.txt`,
      `${kind}-a.b.txt`,
      `${kind}-a.txt\n`,
      `${kind}-a\n.txt`,
      `${kind}-a/b.txt`,
      `${kind}-../a.txt`,
      `${kind}-a`,
      `${kind}-a.`,
      `${kind}-atxt`,
      `${kind}-\u00e9.txt`,
      `${kind}-\u0661.txt`,
      `${kind}-${'x'.repeat(65)}.txt`,
      // The temporary name of a client's request.
      `.${kind}-a.0123456789`,
      kind === 'request' ? 'response.txt' : 'request.txt',
      kind === 'request' ? 'response-a.txt' : 'request-a.txt',
    ])('%j is none', (name) => {
      expect(slotOf(name)).toBeUndefined();
      const error = rejectionOf(() => decode(name));
      expect(error).toMatchObject({ code: 'BAD_NAME', field: `${kind} name` });
      expect(error.expected).toBe(`${kind}.txt or ${kind}-<id>.txt with an id of ${ID}`);
    });

    it('names the rejected name', () => {
      expect(rejectionOf(() => decode('Request.txt')).message).toBe(
        `${kind} name: expected ${kind}.txt or ${kind}-<id>.txt with an id of ${ID}, got "Request.txt"`,
      );
    });

    it('encodes every slot, and decodes to it again', () => {
      fc.assert(
        fc.property(slot, (value) => {
          const name = encode(value);
          expect(name).toBe(value.kind === 'plain' ? `${kind}.txt` : `${kind}-${value.id}.txt`);
          expect(nameOf(value)).toBe(name);
          expect(decode(name)).toEqual(value);
          expect(slotOf(name)).toEqual(value);
          expect(slotOfOther(name)).toBeUndefined();
          expect(encode(decode(name))).toBe(name);
          expect(z.decode(codec, z.encode(codec, value))).toEqual(value);
        }),
      );
    });

    it('accepts exactly what the specification accepts', () => {
      const seen = { accepted: 0, rejected: 0 };
      const name = fc.oneof(
        mutated(slot.map(nameOf)),
        mutated(slotId).map((id) => `${kind}-${id}.txt`),
        anyText,
      );
      fc.assert(
        fc.property(name, (text) => {
          const verdict = judge(kind, text);
          const begin = performance.now();
          const { value, error } = attempt(() => decode(text));
          expect(slotOf(text)).toEqual(verdict);
          expect(performance.now() - begin).toBeLessThan(1000);
          expect(value).toEqual(verdict);
          if (error !== undefined) expect(error.message).toMatch(/^[\x20-\x7e]{1,512}$/);
          seen[verdict === undefined ? 'rejected' : 'accepted']++;
        }),
        { numRuns: 3000 },
      );
      // Otherwise the property above would prove little.
      expect(seen.accepted).toBeGreaterThan(100);
      expect(seen.rejected).toBeGreaterThan(100);
    });

    it.each([
      [undefined, "slot: expected { kind: 'plain' } or { kind: 'named', id }, got undefined"],
      [
        { kind: 'other' },
        "slot: expected { kind: 'plain' } or { kind: 'named', id }, got an object",
      ],
      [{ kind: 'named' }, `id: expected ${ID}, got undefined`],
      [{ kind: 'named', id: '' }, `id: expected ${ID}, got ""`],
      [{ kind: 'named', id: '../a' }, `id: expected ${ID}, got "../a"`],
      [{ kind: 'named', id: 'a\n' }, String.raw`id: expected ${ID}, got "a\n"`],
      [
        { kind: 'named', id: 'x'.repeat(65) },
        `id: expected ${ID}, got "${'x'.repeat(40)}"... (65 characters)`,
      ],
    ])('is not written for %p', (value, message) => {
      const error = rejectionOf(() => encode(value as never));
      expect(error).toMatchObject({ code: 'BAD_NAME', message });
    });

    it('encodes no other value', () => {
      const value = fc.oneof(
        anyValue,
        fc.record({ kind: fc.oneof(fc.constant('named'), anyValue), id: anyValue }),
        fc.record({ kind: fc.constant('named'), id: fc.string() }),
      );
      fc.assert(
        fc.property(value, (anything) => {
          const { value: name, error } = attempt(() => encode(anything as never));
          if (name === undefined) {
            expect(error.message).toMatch(/^[\x20-\x7e]{1,512}$/);
          } else {
            expect(judge(kind, name)).toBeDefined();
          }
        }),
        { numRuns: 1000 },
      );
    });
  },
);

describe('the plain slot', () => {
  it('is one object for all callers, so it cannot be changed', () => {
    expect(PLAIN_SLOT).toEqual({ kind: 'plain' });
    expect(Object.isFrozen(PLAIN_SLOT)).toBe(true);
  });
});

describe("the name of a VM's directory", () => {
  const EXPECTED = 'vm<ID> with a decimal ID from 1 to 4294967295 without leading zeros';

  it.each([
    ['vm1', 1],
    ['vm7', 7],
    ['vm10', 10],
    ['vm4294967295', 4_294_967_295],
  ])('%s is one', (name, id) => {
    expect(decodeVmDirectoryName(name)).toBe(id);
    expect(encodeVmDirectoryName(id)).toBe(name);
  });

  it.each([
    '',
    'vm',
    '1',
    'vm0',
    'vm01',
    'vm-1',
    'vm+1',
    'vm 1',
    'vm1 ',
    'vm1\n',
    'vm1/',
    'vm1.bar',
    'vm1.5',
    'vm1e3',
    'vm0x1',
    'vm\u0661',
    'VM1',
    'Vm1',
    'xvm1',
    'vmvm1',
    '../vm1',
    'vm4294967296',
    'vm9999999999',
    'vm10000000000',
    `vm${'9'.repeat(400)}`,
  ])('%j is none', (name) => {
    const error = rejectionOf(() => decodeVmDirectoryName(name));
    expect(error).toMatchObject({ code: 'BAD_NAME', field: 'VM directory name' });
    expect(error.expected).toBe(EXPECTED);
  });

  it('names the rejected name', () => {
    expect(rejectionOf(() => decodeVmDirectoryName('vm01')).message).toBe(
      `VM directory name: expected ${EXPECTED}, got "vm01"`,
    );
  });

  it('encodes every VM, and decodes to it again', () => {
    fc.assert(
      fc.property(vmId, (id) => {
        const name = encodeVmDirectoryName(id);
        expect(name).toBe(`vm${id}`);
        expect(decodeVmDirectoryName(name)).toBe(id);
        expect(encodeVmDirectoryName(decodeVmDirectoryName(name))).toBe(name);
        expect(z.decode(VmDirectoryName, z.encode(VmDirectoryName, id))).toBe(id);
      }),
    );
  });

  it('accepts exactly what the specification accepts', () => {
    const seen = { accepted: 0, rejected: 0 };
    const name = fc.oneof(
      mutated(vmId.map((id) => `vm${id}`)),
      mutated(vmId.map(String)).map((digits) => `vm${digits}`),
      anyText,
    );
    fc.assert(
      fc.property(name, (text) => {
        const digits = /^vm([1-9][0-9]*)$/.exec(text)?.[1];
        const valid = digits !== undefined && BigInt(digits) <= 4_294_967_295n;
        const { value, error } = attempt(() => decodeVmDirectoryName(text));
        expect(value).toBe(valid ? Number(digits) : undefined);
        if (error !== undefined) expect(error.message).toMatch(/^[\x20-\x7e]{1,512}$/);
        seen[valid ? 'accepted' : 'rejected']++;
      }),
      { numRuns: 3000 },
    );
    // Otherwise the property above would prove little.
    expect(seen.accepted).toBeGreaterThan(50);
    expect(seen.rejected).toBeGreaterThan(100);
  });

  it.each([
    [0, '0'],
    [-1, '-1'],
    [1.5, '1.5'],
    [NaN, 'NaN'],
    [4_294_967_296, '4294967296'],
    ['7', '"7"'],
    [7n, 'a bigint'],
    [undefined, 'undefined'],
  ])('is not written for %p', (id, received) => {
    expect(rejectionOf(() => encodeVmDirectoryName(id as never))).toMatchObject({
      code: 'BAD_NAME',
      message: `VM: expected a whole number from 1 to 4294967295, got ${received}`,
    });
  });
});
