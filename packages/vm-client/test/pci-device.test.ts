import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findDevices } from '../src/pci-device.js';
import { FakePci, filled } from './fake-pci.js';

let pci: FakePci;

beforeEach(() => {
  pci = new FakePci();
});
afterEach(() => {
  pci.remove();
});

describe('findDevices', () => {
  test('finds the original device and ivshmem among others, in the order of addresses', () => {
    pci.addIvshmem('0000:01:00.0', filled(0));
    pci.addStub('0000:00:05.0', filled(0));
    pci.add('0000:00:00.0', {});
    expect(findDevices(pci.devices)).toEqual([
      {
        address: '0000:00:05.0',
        kind: 'stub',
        directory: path.join(pci.devices, '0000:00:05.0'),
        resource: path.join(pci.devices, '0000:00:05.0/resource0'),
      },
      {
        address: '0000:01:00.0',
        kind: 'ivshmem',
        directory: path.join(pci.devices, '0000:01:00.0'),
        resource: path.join(pci.devices, '0000:01:00.0/resource2'),
      },
    ]);
  });

  test('knows any accelerator by the class of the original device', () => {
    pci.addStub('0000:00:05.0', filled(0), { class: '0x1200ff' });
    expect(findDevices(pci.devices)).toHaveLength(1);
  });

  test.each([
    ['another vendor', { vendor: '0x1af5' }],
    ['another device', { device: '0x1112' }],
    ['another class', { class: '0x030000' }],
    ['a class that only starts alike', { class: '0x12000000' }],
  ])('passes over %s', (_what, ids) => {
    pci.addStub('0000:00:05.0', filled(0), ids);
    expect(findDevices(pci.devices)).toEqual([]);
  });

  test('passes over a device that is being removed', () => {
    const directory = pci.addStub('0000:00:05.0', filled(0));
    fs.rmSync(path.join(directory, 'class'));
    fs.symlinkSync('nowhere', path.join(pci.devices, '0000:00:06.0'));
    expect(findDevices(pci.devices)).toEqual([]);
  });

  test('finds nothing where there is no PCI', () => {
    expect(findDevices(path.join(pci.root, 'bus/nothing/devices'))).toEqual([]);
  });

  test('looks at this machine by default', () => {
    expect(findDevices()).toEqual(findDevices('/sys/bus/pci/devices'));
  });
});
