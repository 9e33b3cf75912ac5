import fs from 'node:fs';
import path from 'node:path';
import { isErrno, LinuxError, readRegisters } from '@vgpu/linux';
import { printable, REGISTERS } from '@vgpu/protocol';
import { VgpuError } from './errors.js';
import { ownFiles } from './own-files.js';
import type { PciDevice } from './pci-device.js';
import { reasonOf } from './share-error.js';

/** No register behind the last that is needed is read: a device may act upon being read. */
const WORDS = Math.max(...Object.values(REGISTERS)) / 4 + 1;

/** Where the COMMAND register is in the configuration space, and its bit for memory decoding. */
const COMMAND = { offset: 4, memorySpace: 0x2 };

/** Where the udev rule is that comes with this package. */
const udevRule = () => ownFiles.nameOf('udev/60-vgpu.rules');

const WITHOUT_DEVICE = 'say which VM this is with --vm-id or VGPU_VM_ID';

/**
 * The first bytes of the register block, as they lie in the memory of a PCI device.
 *
 * @throws VgpuError `NO_IDENTITY`, `NO_PERMISSION`, or `BAD_REGISTERS` if there are too few bytes.
 */
export function readMemory(device: PciDevice): Uint8Array {
  // Without it every register reads as zero or as all ones, and no call fails.
  requireMemoryDecoding(device);
  const block = mapAndRead(device.resource);
  if (block.some((byte) => byte !== 0xff)) return block;
  throw new VgpuError(
    'NO_IDENTITY',
    `registers in ${device.resource}: all read as ones, so the device does not answer; ` +
      `restart this VM or have its device checked on the host, or ${WITHOUT_DEVICE}`,
  );
}

/**
 * Firmware turns decoding on for most devices, also for such as no driver claims, which Linux then
 * does not count as enabled: the COMMAND register decides, and `enable` is the way to turn it on.
 */
function requireMemoryDecoding({ address, directory }: PciDevice): void {
  const command = attempt(() => readCommand(path.join(directory, 'config')));
  if ((command & COMMAND.memorySpace) !== 0) return;
  const enable = path.join(directory, 'enable');
  const isEnabled = attempt(() => fs.readFileSync(enable, 'latin1').trim() !== '0');
  const remedy = `${isEnabled ? `echo 0 > ${enable}; ` : ''}echo 1 > ${enable}`;
  throw new VgpuError(
    'NO_IDENTITY',
    `PCI device ${address} does not decode memory (bit 1 of its COMMAND register is 0), so its ` +
      `registers can't be read; turn it on as root by: ${remedy}, or at every start by the udev ` +
      `rule ${udevRule()}`,
  );
}

/** A device that is gone or asleep reads as all ones here too, which shows in its registers. */
function readCommand(config: string): number {
  const command = Buffer.alloc(2);
  const file = fs.openSync(config, 'r');
  try {
    fs.readSync(file, command, 0, command.length, COMMAND.offset);
  } finally {
    fs.closeSync(file);
  }
  return command.readUInt16LE();
}

function attempt<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw unreadable(cause);
  }
}

function mapAndRead(resource: string): Uint8Array {
  const result = attempt(() => readRegisters(resource, WORDS));
  // By its tag: under Jest the addon makes arrays of another realm.
  if (ArrayBuffer.isView(result)) return result;
  throw new VgpuError(
    'BAD_REGISTERS',
    `registers in ${printable(resource, 200)}: expected at least ${4 * WORDS} bytes, got ` +
      `${result.size} bytes; have the device checked on the host`,
  );
}

function unreadable(cause: unknown): VgpuError {
  if (cause instanceof LinuxError) {
    const message = `cannot read a PCI device: ${reasonOf(cause)}, or ${WITHOUT_DEVICE}`;
    return new VgpuError('NO_IDENTITY', message, { cause });
  }
  const isDenied = isErrno(cause, 'EACCES', 'EPERM');
  const remedy = !isDenied
    ? 'have the device checked on the host'
    : process.getuid?.() !== 0
      ? `run as root, or let a group read them by the udev rule ${udevRule()}`
      : // Also to root, for example after Secure Boot.
        'see whether Linux is locked down, in /sys/kernel/security/lockdown';
  return new VgpuError(
    isDenied ? 'NO_PERMISSION' : 'NO_IDENTITY',
    `cannot read the registers: ${reasonOf(cause)}; ${remedy}, or ${WITHOUT_DEVICE}`,
    { cause },
  );
}
