import { requireAddon, type TooShort } from './addon.js';
import { systemError } from './errno.js';

/**
 * Maps the start of a file, such as the memory of a PCI device (`resource0`), and reads words of 32 bits from
 * it, each by one load: a device may answer no other.
 *
 * @param path The file.
 * @param count How many words, at most 1024.
 * @returns The bytes as the file has them; or the size of the file where that has fewer.
 * @throws {LinuxError} `ADDON_UNAVAILABLE`: Node cannot map memory.
 * @throws the error of open(2), fstat(2) or mmap(2).
 */
export function readRegisters(path: string, count: number): Uint8Array | TooShort {
  const result = requireAddon().readWords(path, count);
  if ('operation' in result) throw systemError(-result.errno, result.operation, path);
  return result;
}
