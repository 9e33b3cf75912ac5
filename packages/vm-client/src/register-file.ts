import fs from 'node:fs';
import { isErrno } from '@vgpu/linux';
import {
  decodeRegisterBlock,
  type Identity,
  printable,
  REGISTER_BLOCK_BYTES,
} from '@vgpu/protocol';
import { translateRefusal, VgpuError } from './errors.js';
import { reasonOf } from './share-error.js';

/**
 * Reads a VM's identity from a file that holds its register block.
 *
 * @param path A plain file; bytes beyond 4096 are not read.
 * @throws VgpuError `NO_IDENTITY` if the file can't be read, `NO_PERMISSION`, or `BAD_REGISTERS`
 *   with the name of the first register that makes no sense.
 */
export function readRegisterFile(path: string): Identity {
  const block = readBlock(path);
  return translateRefusal(`registers in ${printable(path, 200)}`, () => decodeRegisterBlock(block));
}

function readBlock(path: string): Uint8Array {
  const block = Buffer.alloc(REGISTER_BLOCK_BYTES);
  try {
    // A FIFO without a writer must not block, and a device may never end.
    const file = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    try {
      return block.subarray(0, fs.readSync(file, block));
    } finally {
      fs.closeSync(file);
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): VgpuError {
  const message = `cannot read the registers in ${printable(path, 200)}: ${reasonOf(cause)}`;
  if (isErrno(cause, 'EACCES', 'EPERM')) {
    return new VgpuError('NO_PERMISSION', `${message}; run as a user who may read it`, { cause });
  }
  // Linux has no read(2) for a memory BAR: it would have to be mapped.
  const remedy = isErrno(cause, 'EIO', 'EISDIR')
    ? "a PCI device's memory is no plain file: give the device's directory in sysfs to --device or readIdentity"
    : 'give a file that holds the register block of this VM';
  return new VgpuError('NO_IDENTITY', `${message}; ${remedy}`, { cause });
}
