import fs from 'node:fs';
import path from 'node:path';
import { isErrno } from '@vgpu/linux';

/** Where Linux shows the PCI devices of a machine, one directory each. */
export const PCI_DEVICES = '/sys/bus/pci/devices';

/** A PCI device that carries the registers of a VM, as far as its ids tell. */
export interface PciDevice {
  /** Such as `0000:00:05.0`. */
  readonly address: string;
  /**
   * `stub`: the device of the patched QEMU. `ivshmem`: shared memory of the stock one, which may
   * be there for something else; only the magic number in it tells.
   */
  readonly kind: 'stub' | 'ivshmem';
  /** Its directory in sysfs. */
  readonly directory: string;
  /** The file by which the memory with the registers can be mapped. */
  readonly resource: string;
}

const KINDS = [
  { kind: 'stub', ids: /^0x1af4 0x1111 0x1200[0-9a-f]{2}$/, resource: 'resource0' },
  { kind: 'ivshmem', ids: /^0x1af4 0x1110 /, resource: 'resource2' },
] as const;

/**
 * The devices that by their ids may carry the registers of this VM, in the order of their
 * addresses; none where there is no PCI. Reads no register and needs no permission.
 *
 * @param pciDevices The directory with a directory for each device.
 * @throws What Node throws where that directory can't be read.
 */
export function findDevices(pciDevices = PCI_DEVICES): PciDevice[] {
  return addressesIn(pciDevices)
    .map((address) => deviceIn(path.join(pciDevices, address)))
    .filter((device) => device !== undefined);
}

function addressesIn(pciDevices: string): string[] {
  try {
    return fs.readdirSync(pciDevices).sort();
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

/** The device of a directory in sysfs; undefined if it is not one of those. */
export function deviceIn(directory: string): PciDevice | undefined {
  const ids = idsIn(directory);
  const found = KINDS.find((kind) => kind.ids.test(ids));
  return (
    found && {
      address: path.basename(directory),
      kind: found.kind,
      directory,
      resource: path.join(directory, found.resource),
    }
  );
}

/** Vendor, device and class, such as `0x1af4 0x1111 0x120000`; empty if it is no PCI device. */
export function idsIn(directory: string): string {
  try {
    return ['vendor', 'device', 'class']
      .map((name) => fs.readFileSync(path.join(directory, name), 'latin1').trim())
      .join(' ');
  } catch {
    // Also that of a device which is being removed at this moment.
    return '';
  }
}
