import path from 'node:path';
import type { Identity } from '@vgpu/protocol';
import { deviceAt, onlyDevice } from './device-choice.js';
import { readDevice } from './device-identity.js';
import { PCI_DEVICES } from './pci-device.js';
import { readRegisterFile } from './register-file.js';

/** As Linux writes it, or as `lspci` does: without the domain 0000. */
const PCI_ADDRESS = /^(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/i;

/**
 * Reads a VM's identity from where its host has put it.
 *
 * @param device A PCI address, a device's directory in sysfs, the file of its registers there, or
 *   a plain file with the register block. Without it the one PCI device is taken that has them.
 * @param pciDevices The directory with a directory for each PCI device.
 * @throws VgpuError `NO_IDENTITY` if there is no device, or several, or it can't be read;
 *   `NO_PERMISSION`; or `BAD_REGISTERS` with the name of the first register that makes no sense.
 */
export function readIdentity(device?: string, pciDevices = PCI_DEVICES): Identity {
  if (device === undefined) return readDevice(onlyDevice(pciDevices));
  const place = PCI_ADDRESS.test(device) ? path.join(pciDevices, withDomain(device)) : device;
  const named = deviceAt(place);
  return named === undefined ? readRegisterFile(place) : readDevice(named);
}

const withDomain = (address: string) =>
  (address.length > 'bb:dd.f'.length ? address : `0000:${address}`).toLowerCase();
