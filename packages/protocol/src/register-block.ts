import * as z from 'zod/mini';
import { decodeWith, encodeWith, isTypedArray, refuse } from './codec.js';
import { type Identity, Pool, Priority, VmId } from './identity.js';

/** The block is one page, the smallest BAR that a hypervisor gives (4096 bytes). */
export const REGISTER_BLOCK_BYTES = 4096;

/** Offsets of the little-endian 32-bit registers, in bytes. */
export const REGISTERS = {
  /** {@link REGISTER_BLOCK_MAGIC}; anything else in the original device. */
  MAGIC: 0x000,
  /** Of the layout: 1. Counts only with the magic number. */
  VERSION: 0x004,
  /** The pool's letter in ASCII: 0x41 or 0x42. */
  POOL_ID: 0x008,
  /** 2 high, 1 medium, 0 low. */
  PRIORITY: 0x00c,
  /** The VM's number, 1 to 4294967295. */
  VM_ID: 0x010,
} as const;

type RegisterName = keyof typeof REGISTERS;

/** `VGPU` as four ASCII bytes: distinguishes the block from any other shared memory device. */
export const REGISTER_BLOCK_MAGIC = 0x5550_4756;

const Bytes = z.custom<Uint8Array>((value) => isTypedArray(value, 'Uint8Array'), 'a Uint8Array');

const VERSION = 1;
const LAST_BYTE = REGISTERS.VM_ID + 4;

const describe = (name: RegisterName) =>
  `register ${name} (0x${REGISTERS[name].toString(16).padStart(3, '0')})`;
const hex = (value: number) => `0x${value.toString(16).padStart(8, '0')}`;

/** One register: an unsigned 32-bit word and its meaning. */
function register<T extends z.ZodMiniType<string | number>>(
  name: RegisterName,
  meaning: T,
  expected: string,
  fromWord: (word: number) => unknown,
  toWord: (value: z.output<T>) => number,
) {
  return z.codec(z.uint32(), meaning, {
    decode: (word, ctx) => {
      const value = meaning.safeParse(fromWord(word));
      if (value.success) return value.data as z.input<T>;
      return refuse(ctx, { field: describe(name), expected, received: hex(word) });
    },
    encode: (value) => toWord(value as z.output<T>),
  });
}

const Registers = z.object(
  {
    /** Which devices may serve the VM's requests. */
    pool: register(
      'POOL_ID',
      Pool,
      "0x41 'A' or 0x42 'B'",
      (word) => Pool.options.find((pool) => pool.charCodeAt(0) === word),
      (pool) => pool.charCodeAt(0),
    ),
    /** 2 high, 1 medium, 0 low. */
    priority: register(
      'PRIORITY',
      Priority,
      '0, 1 or 2',
      (word) => word,
      (level) => level,
    ),
    /** The VM's number, 1 to 4294967295. */
    vm: register(
      'VM_ID',
      VmId,
      '1 to 4294967295',
      (word) => word,
      (vm) => vm,
    ),
  },
  'an object with pool, priority and vm',
);

/**
 * The register block of a VM's virtual device and the identity in it. Without the magic number the
 * first two words are the original device's command and status registers and are ignored; with it,
 * the second one is the version of the block. Encoding writes version 1.
 */
export const RegisterBlock = z.codec(Bytes, Registers, {
  decode: (bytes, ctx) => {
    if (bytes.byteLength < LAST_BYTE) {
      return refuse(ctx, {
        expected: `at least ${LAST_BYTE} bytes`,
        received: `${bytes.byteLength} bytes`,
      });
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const read = (name: RegisterName) => view.getUint32(REGISTERS[name], true);
    const version = read('VERSION');
    if (read('MAGIC') === REGISTER_BLOCK_MAGIC && version !== VERSION) {
      return refuse(ctx, {
        field: describe('VERSION'),
        expected: String(VERSION),
        received: hex(version),
      });
    }
    return { pool: read('POOL_ID'), priority: read('PRIORITY'), vm: read('VM_ID') };
  },
  encode: (words) => {
    const block = new Uint8Array(REGISTER_BLOCK_BYTES);
    const view = new DataView(block.buffer);
    const write = (name: RegisterName, word: number) => {
      view.setUint32(REGISTERS[name], word, true);
    };
    write('MAGIC', REGISTER_BLOCK_MAGIC);
    write('VERSION', VERSION);
    write('POOL_ID', words.pool);
    write('PRIORITY', words.priority);
    write('VM_ID', words.vm);
    return block;
  },
});

/**
 * Decodes a VM's identity from its register block.
 *
 * @param block At least 20 bytes: the content of a BAR or of a register file.
 * @throws ProtocolError `BAD_REGISTERS`; the field names the register.
 */
export function decodeRegisterBlock(block: Uint8Array): Identity {
  return decodeWith(RegisterBlock, 'BAD_REGISTERS', 'register block', block);
}

/**
 * Encodes the register block (4096 bytes) of a VM.
 *
 * @param identity The VM's identity.
 * @throws ProtocolError `BAD_REGISTERS`.
 */
export function encodeRegisterBlock(identity: Identity): Uint8Array {
  return encodeWith(RegisterBlock, 'BAD_REGISTERS', 'register block', identity);
}
