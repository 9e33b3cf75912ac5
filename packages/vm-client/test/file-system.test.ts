import { describe, expect, test } from '@jest/globals';
import { isSharedWithOthers } from '../src/file-system.js';

describe('isSharedWithOthers', () => {
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
  ])('%s is', (_name, type) => {
    expect(isSharedWithOthers(type)).toBe(true);
  });

  test.each([
    ['tmpfs', 0x01021994],
    ['ext4', 0xef53],
    ['xfs', 0x58465342],
    ['btrfs', 0x9123683e],
    ['overlayfs', 0x794c7630],
  ])('%s is not', (_name, type) => {
    expect(isSharedWithOthers(type)).toBe(false);
  });
});
