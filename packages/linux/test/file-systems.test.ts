import { describe, expect, test } from '@jest/globals';
import { memoryFileSystem, sharedFileSystem } from '../src/file-systems.js';

describe('sharedFileSystem', () => {
  test.each([
    ['NFS', 0x6969],
    ['virtiofs', 0x65735546],
    ['9p', 0x01021997],
    ['SMB', 0x517b],
    ['CIFS', 0xff534d42],
    ['CIFS, as a signed number', 0xff534d42 | 0],
    ['SMB2', 0xfe534d42],
    ['Ceph', 0x00c36400],
    ['AFS', 0x5346414f],
    ['Lustre', 0x0bd00bd0],
  ])('%s is', (_name, type) => {
    expect(sharedFileSystem(type)).toEqual(expect.any(String));
  });

  test.each([
    ['tmpfs', 0x01021994],
    ['ext4', 0xef53],
    ['xfs', 0x58465342],
    ['btrfs', 0x9123683e],
    ['overlayfs', 0x794c7630],
  ])('%s is not', (_name, type) => {
    expect(sharedFileSystem(type)).toBeUndefined();
  });
});

test('memoryFileSystem names those that are gone after a restart', () => {
  expect([0x01021994, 0x858458f6, 0x858458f6 | 0, 0xef53].map(memoryFileSystem)).toEqual([
    'tmpfs',
    'ramfs',
    'ramfs',
    undefined,
  ]);
});
