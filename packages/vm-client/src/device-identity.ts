import { decodeRegisterBlock, type Identity, printable, REGISTERS } from '@vgpu/protocol';
import { REGISTER_BLOCK_MAGIC } from '@vgpu/protocol';
import { readMemory } from './device-memory.js';
import { translateRefusal, VgpuError } from './errors.js';
import type { PciDevice } from './pci-device.js';

/**
 * Reads a VM's identity from the registers of its PCI device.
 *
 * @throws VgpuError `NO_IDENTITY` if they can't be read, `NO_PERMISSION`, or `BAD_REGISTERS` with
 *   the name of the first register that makes no sense.
 */
export function readDevice(device: PciDevice): Identity {
  const block = readMemory(device);
  const where = `registers in ${printable(device.resource, 200)}`;
  if (block.every((byte) => byte === 0)) {
    throw new VgpuError(
      'BAD_REGISTERS',
      `${where}: all are zero, also POOL_ID and VM_ID; have them set on the host`,
    );
  }
  if (device.kind === 'ivshmem' && !hasMagic(block)) {
    throw new VgpuError(
      'BAD_REGISTERS',
      `${where}: register MAGIC (0x000): expected ${hex(REGISTER_BLOCK_MAGIC)} 'VGPU', got ` +
        `${hex(magicOf(block))}; this shared memory is there for something else`,
    );
  }
  return translateRefusal(where, () => decodeRegisterBlock(block));
}

/**
 * Whether a device is there for something else. One that can't be read may be the one that is
 * looked for.
 */
export function isForeign(device: PciDevice): boolean {
  if (device.kind === 'stub') return false;
  try {
    return !hasMagic(readMemory(device));
  } catch {
    return false;
  }
}

const hasMagic = (block: Uint8Array) => magicOf(block) === REGISTER_BLOCK_MAGIC;

function magicOf({ buffer, byteOffset, byteLength }: Uint8Array): number {
  return new DataView(buffer, byteOffset, byteLength).getUint32(REGISTERS.MAGIC, true);
}

const hex = (word: number) => `0x${word.toString(16).padStart(8, '0')}`;
