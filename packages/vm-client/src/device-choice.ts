import fs from 'node:fs';
import path from 'node:path';
import { printable } from '@vgpu/protocol';
import { isForeign } from './device-identity.js';
import { VgpuError } from './errors.js';
import { deviceIn, findDevices, idsIn, type PciDevice } from './pci-device.js';
import { reasonOf } from './share-error.js';

/**
 * The one device that has the registers of this VM.
 *
 * @throws VgpuError `NO_IDENTITY` if there is none, or several.
 */
export function onlyDevice(pciDevices: string): PciDevice {
  const found = listDevices(pciDevices);
  const devices = found.filter((device) => !isForeign(device));
  const [device] = devices;
  if (device === undefined) throw noDevice(found);
  if (devices.length === 1) return device;
  throw new VgpuError(
    'NO_IDENTITY',
    `several PCI devices may have the registers of this VM: ${namesOf(devices)}; ` +
      'choose one with --device or VGPU_DEVICE',
  );
}

/**
 * The device that a path is about, its directory or the file of its registers; undefined if it is
 * a plain file, or nothing.
 *
 * @throws VgpuError `NO_IDENTITY` if it is something else of a PCI device, or a directory.
 */
export function deviceAt(place: string): PciDevice | undefined {
  const target = lookAt(place);
  if (target === undefined) return undefined;
  const { realPath, isDirectory } = target;
  const directory = isDirectory ? realPath : path.dirname(realPath);
  const isResource = /^resource\d/.test(path.basename(realPath)) && idsIn(directory) !== '';
  if (!isDirectory && !isResource) return undefined;
  const device = deviceIn(directory);
  // No other is read, even if asked for: a device may act upon being read.
  if (device === undefined) throw unknownDevice(directory);
  if (isDirectory || device.resource === realPath) return device;
  throw new VgpuError(
    'NO_IDENTITY',
    `${printable(place, 200)} is not the memory with the registers; give ${device.resource}`,
  );
}

function lookAt(place: string): { realPath: string; isDirectory: boolean } | undefined {
  try {
    const realPath = fs.realpathSync(place);
    return { realPath, isDirectory: fs.statSync(realPath).isDirectory() };
  } catch {
    // What is wrong with it is said when it is read as a file.
    return undefined;
  }
}

function listDevices(pciDevices: string): PciDevice[] {
  try {
    return findDevices(pciDevices);
  } catch (cause) {
    const message = `cannot look for PCI devices: ${reasonOf(cause)}; give --vm-id or VGPU_VM_ID`;
    throw new VgpuError('NO_IDENTITY', message, { cause });
  }
}

const namesOf = (devices: readonly PciDevice[]) =>
  devices.map(({ address, kind }) => `${address} (${kind})`).join(', ');

function noDevice(foreign: readonly PciDevice[]): VgpuError {
  const others = foreign.length === 0 ? '' : `, and without the magic VGPU ${namesOf(foreign)}`;
  return new VgpuError(
    'NO_IDENTITY',
    `nothing says which VM this is: no PCI device has the registers of a VM${others}; give its ` +
      'number with --vm-id or VGPU_VM_ID, or a device or a file with its register block with ' +
      '--device or VGPU_DEVICE',
  );
}

function unknownDevice(directory: string): VgpuError {
  const ids = idsIn(directory);
  const found = ids === '' ? 'is not that of a PCI device' : `has vendor, device and class ${ids}`;
  return new VgpuError(
    'NO_IDENTITY',
    `the directory ${printable(directory, 200)} ${found}; expected vendor 0x1af4 with device ` +
      '0x1111 and class 0x1200xx, or with device 0x1110 (ivshmem)',
  );
}
