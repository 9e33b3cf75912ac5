/** Each check of the doctor, with facts that are well and facts that are not. */
import { describe, expect, test } from '@jest/globals';
import { DeviceError } from '@vgpu/cuda-binding';
import {
  checkAddon,
  checkDevices,
  type DeviceFacts,
  checkPools,
} from '../../src/doctor/devices.js';
import { checkClock, checkTimestamps } from '../../src/doctor/clock.js';
import type { Diagnosis } from '../../src/doctor/diagnosis.js';
import type { FileFacts, VmDirectoryFacts } from '../../src/doctor/directory-facts.js';
import { checkFileSystem } from '../../src/doctor/file-system.js';
import { checkInotify, checkLeases, checkOpenFiles } from '../../src/doctor/kernel-limits.js';
import { checkInstance, type InstanceFacts } from '../../src/doctor/instance.js';
import { checkMount, parseMounts, positionOf } from '../../src/doctor/mount.js';
import {
  checkRegistry,
  checkRoot,
  checkState,
  type StateFacts,
} from '../../src/doctor/own-directories.js';
import { checkVmDirectories } from '../../src/doctor/vm-directories.js';

function expectWell(diagnoses: readonly Diagnosis[]): void {
  expect(diagnoses.map(({ result }) => result)).toEqual(['ok']);
}

/** One finding for each text, which is in it; each has a remedy. */
function expectFindings(diagnoses: readonly Diagnosis[], ...texts: string[]): void {
  expect(diagnoses).toEqual(
    texts.map((text) => ({
      result: 'finding',
      message: expect.stringContaining(text),
      remedy: expect.stringMatching(/./),
    })),
  );
}

function expectSkipped(diagnoses: readonly Diagnosis[]): void {
  expect(diagnoses.map(({ result }) => result)).toEqual(['skipped']);
}

const GPU = {
  backend: 'cuda',
  index: 0,
  name: 'NVIDIA H200',
} as const;
const LISTING = [GPU, { ...GPU, index: 1 }] as unknown as Exclude<DeviceFacts['listing'], Error>;
const NO_DRIVER = new DeviceError('BACKEND_UNAVAILABLE', 'no driver');
const NO_ADDON = new DeviceError('BACKEND_UNAVAILABLE', 'no native part', { cause: new Error() });

const DIRECTORY: FileFacts = {
  path: '/var/vgpu',
  kind: 'directory',
  uid: 990,
  gid: 990,
  mode: 0o755,
};
const vmDirectory = (vm: number, facts: Partial<VmDirectoryFacts> = {}): VmDirectoryFacts => ({
  path: `/var/vgpu/vm${vm}`,
  kind: 'directory',
  vm,
  uid: 990,
  gid: 60_000 + vm,
  mode: 0o2770,
  ...facts,
});

test('addon', () => {
  expectWell(checkAddon(LISTING));
  expectWell(checkAddon(NO_DRIVER));
  expectFindings(checkAddon(NO_ADDON), 'no native part');
});

test('devices', () => {
  const check = (facts: Partial<DeviceFacts>) =>
    checkDevices({ backend: 'auto', devices: 'all', listing: LISTING, ...facts });
  expectWell(check({}));
  expectWell(check({ devices: [1] }));
  expectSkipped(check({ backend: 'cpu', listing: NO_DRIVER }));
  expectFindings(check({ listing: NO_DRIVER }), 'no driver');
  expectFindings(check({ listing: [] }), 'no device');
  expectFindings(
    check({ devices: [1, 2, 5] }),
    '--devices names 2, 5, but the driver has only 0 (',
  );
});

test('pools', () => {
  const pools = [
    { pool: 'A', devices: [0, 2] },
    { pool: 'B', devices: undefined },
  ] as const;
  expectWell(checkPools({ pools, serving: [2] }));
  expectWell(checkPools({ pools, serving: undefined }));
  expectFindings(checkPools({ pools, serving: [1] }), 'pool A has the devices 0, 2');
});

test('root', () => {
  expectWell(checkRoot('/var/vgpu', DIRECTORY));
  expectFindings(checkRoot('/var/vgpu', undefined), 'does not exist');
  expectFindings(checkRoot('/var/vgpu', { ...DIRECTORY, kind: 'file' }), 'not a directory');
  for (const mode of [0o777, 0o775, 0o1777, 0o757]) {
    expectFindings(checkRoot('/var/vgpu', { ...DIRECTORY, mode }), 'users other than its owner');
  }
});

test('vm-directories', () => {
  const check = (...directories: VmDirectoryFacts[]) =>
    checkVmDirectories({ owner: 990, directories });
  expectWell(check());
  expectWell(check(vmDirectory(7), vmDirectory(8)));
  expectFindings(check(vmDirectory(7, { vm: undefined, path: '/var/vgpu/vm07' })), 'vm07 is not');
  expectFindings(check(vmDirectory(7, { kind: 'link' })), 'because it is a link');
  expectFindings(check(vmDirectory(7, { mode: 0o2777 })), 'every user of this host can write');
  expectFindings(check(vmDirectory(7, { uid: 60_007 })), 'belongs to user 60007');
  // Root can not be locked out.
  expectWell(checkVmDirectories({ owner: 0, directories: [vmDirectory(7, { uid: 60_007 })] }));
  expectFindings(check(vmDirectory(7), vmDirectory(8, { gid: 60_007 })), 'the same group 60007');
  // That can write to neither.
  const [first, second] = [7, 8].map((vm) => vmDirectory(vm, { gid: 990, mode: 0o2750 }));
  if (first && second) expectWell(check(first, second));
});

test('state', () => {
  const STATE: FileFacts = { ...DIRECTORY, path: '/var/vgpu-state', mode: 0o700 };
  const REGISTRY: FileFacts = { ...STATE, path: '/var/vgpu-state/registry.json', mode: 0o600 };
  const check = (facts: Partial<StateFacts>) =>
    checkState({
      path: STATE.path,
      state: STATE,
      registry: REGISTRY,
      owner: 990,
      isWithinRoot: false,
      ...facts,
    });
  expectWell(check({}));
  expectWell(check({ registry: undefined, owner: undefined }));
  // As with an ACL for QEMU's user.
  expectWell(check({ state: { ...STATE, mode: 0o711 } }));
  expectSkipped(check({ state: undefined }));
  expectFindings(check({ isWithinRoot: true }), 'within the root');
  for (const mode of [0o755, 0o770, 0o702]) {
    expectFindings(check({ state: { ...STATE, mode } }), 'users other than its owner');
  }
  expectFindings(check({ owner: 0 }), 'belongs to user 990, but the root to user 0');
  expectFindings(check({ registry: { ...REGISTRY, mode: 0o640 } }), 'has mode 0640');
  expectFindings(check({ registry: { ...REGISTRY, uid: 0 } }), 'belongs to user 0');
});

test('registry', () => {
  const well = { problem: undefined, registered: 2, blocks: [], strayBlocks: [] };
  expectWell(checkRegistry(well));
  expectFindings(checkRegistry({ ...well, problem: 'it is invalid' }), 'it is invalid');
  expectFindings(checkRegistry({ ...well, blocks: [{ vm: 7, problem: 'vm7.bar' }] }), 'vm7.bar');
  expectFindings(checkRegistry({ ...well, strayBlocks: ['/x/vm9.bar'] }), '/x/vm9.bar');
});

test('leases', () => {
  expectSkipped(checkLeases({ isExported: false, enabled: true }));
  expectWell(checkLeases({ isExported: true, enabled: false }));
  expectWell(checkLeases({ isExported: true, enabled: undefined }));
  expectFindings(checkLeases({ isExported: true, enabled: true }), 'delegations');
});

test('inotify', () => {
  const well = { directories: 30, maxWatches: 8192, maxInstances: 128 };
  expectWell(checkInotify(well));
  expectFindings(checkInotify({ ...well, directories: 8192 }), '8192 VM directories need');
  expectFindings(checkInotify({ ...well, maxWatches: 30 }), 'the limit of a user is 30');
  expectFindings(checkInotify({ ...well, maxInstances: 1 }), 'instances');
});

test('open-files', () => {
  expectWell(checkOpenFiles({ directories: 30, limit: 1024 }));
  expectWell(checkOpenFiles({ directories: 1e6, limit: Infinity }));
  expectFindings(checkOpenFiles({ directories: 1000, limit: 1024 }), '1000 VM directories need');
});

test('file-system', () => {
  const [EXT4, TMPFS, NFS] = [0xef53, 0x0102_1994, 0x6969];
  const check = (root: number, state: number) =>
    checkFileSystem({ root: { path: '/r', type: root }, state: { path: '/s', type: state } });
  expectWell(check(EXT4, EXT4));
  expectFindings(check(TMPFS, EXT4), '/r is on tmpfs');
  expectFindings(check(EXT4, TMPFS), '/s is on tmpfs');
  expectFindings(check(NFS, EXT4), 'the root /r is on NFS');
  expectFindings(check(EXT4, NFS), 'the state directory /s is on NFS');
});

describe('mount', () => {
  const [whole, own, odd] = parseMounts(
    [
      '20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
      '21 20 8:2 / /var/vgpu rw,nodev,nosuid,noexec - ext4 /dev/sdb1 rw',
      '22 20 8:3 /part\\040a /srv/\\303\\244\\040b rw,nodev - ext4 /dev/sdc1 rw',
      '',
    ].join('\n'),
  );
  if (whole === undefined || own === undefined || odd === undefined)
    throw new Error('three mounts');

  test('that is safe is well', () => {
    expectWell(checkMount('/var/vgpu', own));
  });

  test('that is not is found', () => {
    expectFindings(
      checkMount('/var/vgpu2', whole),
      'is not nodev, nosuid, noexec',
      'on the file system of the host',
    );
    expectFindings(checkMount('/x', odd), 'mounted at /srv/ä b, is not nosuid, noexec');
  });

  test('says where on its file system something lies', () => {
    expect(positionOf('/srv/ä b/vm7', odd)).toEqual({ device: '8:3', path: '/part a/vm7' });
    expect(positionOf('/var/vgpu', own)).toEqual({ device: '8:2', path: '/' });
    expect(positionOf('/srv', whole)).toEqual({ device: '8:1', path: '/srv' });
  });
});

test('clock', () => {
  const nowMs = 1_700_000_000_000;
  const at = (ms: number) => BigInt(ms) * 1_000_000n;
  expectWell(checkClock({ nowMs, changesNs: [] }));
  expectWell(checkClock({ nowMs, changesNs: [at(nowMs - 5000), at(nowMs + 500)] }));
  expectFindings(checkClock({ nowMs, changesNs: [at(nowMs + 3_600_000), 0n] }), '3600000 ms');
});

test('timestamps', () => {
  expectWell(checkTimestamps({ changesNs: [] }));
  expectWell(checkTimestamps({ changesNs: [1_000_000_000n, 1_000_000_001n] }));
  expectFindings(checkTimestamps({ changesNs: [1_000_000_000n, 5_000_000_000n] }), 'whole seconds');
});

test('instance', () => {
  const check = (facts: Partial<InstanceFacts>) =>
    checkInstance({ lock: false, hasSocket: false, running: undefined, root: '/r', ...facts });
  const running = { pid: 42, root: '/r' };
  expectWell(check({}));
  expectWell(check({ lock: true, hasSocket: true, running }));
  expectFindings(check({ lock: true, hasSocket: true }), 'does not respond');
  expectFindings(check({ lock: true }), 'does not respond');
  expectFindings(check({ hasSocket: true }), 'of a killed one exists');
  expectFindings(check({ lock: new Error('cannot run flock') }), 'cannot run flock');
  expectFindings(
    check({ lock: true, hasSocket: true, running: { pid: 42, root: '/other' } }),
    'serves /other, not /r',
  );
});
