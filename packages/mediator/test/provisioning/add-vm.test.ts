import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeRegisterBlock, encodeRegisterBlock, type Identity } from '@vgpu/protocol';
import { testAsRoot } from '../../../../tests/support/describe-if.js';
import type { AddVmOptions } from '../../src/provisioning/add-vm.js';
import { failAt, FakeFs, FakeKill, systemError } from '../support/fake-fs.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';

const fakeFs = new FakeFs();
const { Registry } = await import('../../src/state/registry.js');
const { addVm } = await import('../../src/provisioning/add-vm.js');
const { deviceFileOf } = await import('../../src/provisioning/device-file.js');
const { groupOfVm } = await import('../../src/provisioning/vm-directories.js');

const LOW_B: Identity = { vm: 7, pool: 'B', priority: 0 };
const HIGH_A: Identity = { vm: 7, pool: 'A', priority: 2 };

let base: string;
let root: string;
let stateDir: string;
beforeEach(() => {
  base = temporaryDirectory();
  root = join(base, 'vgpu');
  stateDir = join(base, 'state');
});
afterEach(() => {
  fakeFs.restore();
  expect(openBelow(base)).toEqual([]);
});

const add = (identity: Identity, options: Partial<AddVmOptions> = {}) =>
  addVm(identity, { root, stateDir, ...options });
const registered = (vm = 7) => new Registry(stateDir).get(vm);
const blockOf = (vm = 7) => decodeRegisterBlock(fs.readFileSync(deviceFileOf(stateDir, vm)));
const modeOf = (path: string) => fs.statSync(path).mode & 0o7777;
const refusalOf = (code: string, message: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });

describe('adding a VM', () => {
  test('makes all that it needs, for those who need it', () => {
    const umask = process.umask(0o077);
    const added = add(LOW_B);
    process.umask(umask);
    expect(added).toEqual({
      directory: join(root, 'vm7'),
      isNewDirectory: true,
      deviceFile: join(stateDir, 'devices', 'vm7.bar'),
      registration: { pool: 'B', priority: 0, suspended: false },
    });
    expect(registered()).toEqual({ pool: 'B', priority: 0, suspended: false });
    expect(fs.readFileSync(added.deviceFile)).toEqual(Buffer.from(encodeRegisterBlock(LOW_B)));
    expect(modeOf(added.directory)).toBe(0o2770);
    expect(modeOf(added.deviceFile)).toBe(0o600);
    expect(modeOf(join(stateDir, 'devices'))).toBe(0o700);
    expect(modeOf(stateDir)).toBe(0o700);
    expect(fs.readdirSync(root)).toEqual(['vm7']);
    expect(fs.readdirSync(join(stateDir, 'devices'))).toEqual(['vm7.bar']);
  });

  test('leaves the others as they are', () => {
    add(LOW_B);
    add({ vm: 8, pool: 'A', priority: 1 });
    expect([blockOf(7), blockOf(8).vm]).toEqual([LOW_B, 8]);
    expect(new Registry(stateDir).entries().map(([vm]) => vm)).toEqual([7, 8]);
  });

  test('that is registered is refused, and changes nothing', () => {
    add(LOW_B);
    expect(() => add(HIGH_A, { gid: 1 })).toThrow(
      refusalOf('ALREADY_REGISTERED', 'VM 7 is already registered: pool B, priority low'),
    );
    expect(blockOf()).toEqual(LOW_B);
    expect(registered()).toMatchObject({ pool: 'B', priority: 0 });
  });

  test('replaces pool and priority if told so; a suspended VM stays suspended', () => {
    add(LOW_B);
    new Registry(stateDir).set(7, { pool: 'B', priority: 0, suspended: true });
    expect(add(HIGH_A, { replace: true }).isNewDirectory).toBe(false);
    expect(blockOf()).toEqual(HIGH_A);
    expect(registered()).toEqual({ pool: 'A', priority: 2, suspended: true });
  });

  test('accepts --replace for a VM that is not registered', () => {
    add(LOW_B, { replace: true });
    expect(registered()).toMatchObject({ pool: 'B' });
  });

  test('keeps an existing directory with its contents', () => {
    fs.mkdirSync(join(root, 'vm7'), { recursive: true, mode: 0o755 });
    fs.writeFileSync(join(root, 'vm7', 'request.txt'), 'B:0:7:1:2\n');
    fs.chmodSync(join(root, 'vm7'), 0o750);
    expect(add(LOW_B).isNewDirectory).toBe(false);
    expect(modeOf(join(root, 'vm7'))).toBe(0o750);
    expect(fs.readdirSync(join(root, 'vm7'))).toEqual(['request.txt']);
  });

  test.each([
    { what: 'VM number', identity: { ...LOW_B, vm: 0 }, field: 'VM_ID' },
    { what: 'VM number', identity: { ...LOW_B, vm: 2 ** 32 }, field: 'VM_ID' },
    { what: 'pool', identity: { ...LOW_B, pool: 'C' as 'A' }, field: 'POOL_ID' },
    { what: 'priority', identity: { ...LOW_B, priority: 3 as 2 }, field: 'PRIORITY' },
  ])('refuses an invalid $what before anything is made: $identity', ({ identity }) => {
    expect(() => add(identity)).toThrow(expect.objectContaining({ code: 'BAD_REGISTERS' }));
    expect(fs.readdirSync(base)).toEqual([]);
  });

  test('refuses a state directory that VMs could reach', () => {
    expect(() => add(LOW_B, { stateDir: join(root, 'state') })).toThrow(
      refusalOf('INVALID_CONFIG', 'is within the root'),
    );
    expect(fs.existsSync(join(root, 'vm7'))).toBe(false);
  });

  test.each(['a file', 'a link'])('refuses %s in place of the directory', (what) => {
    fs.mkdirSync(root);
    if (what === 'a file') fs.writeFileSync(join(root, 'vm7'), '');
    else fs.symlinkSync(base, join(root, 'vm7'));
    expect(() => add(LOW_B)).toThrow(refusalOf('VM_DIRECTORY_UNUSABLE', 'it is not a directory'));
    expect(registered()).toBeUndefined();
  });

  test('refuses a file in place of the root or of the state directory', () => {
    fs.writeFileSync(join(base, 'file'), '');
    const file = join(base, 'file');
    expect(() => add(LOW_B, { root: file })).toThrow(refusalOf('ROOT_UNUSABLE', file));
    expect(() => add(LOW_B, { stateDir: file })).toThrow(refusalOf('STATE_DIR_UNUSABLE', file));
  });
});

describe('the owners of what root makes', () => {
  const ownerOf = (path: string) => {
    const { uid, gid } = fs.statSync(path);
    return { uid, gid };
  };

  testAsRoot('are those of the directories around it, and the groups those of the VMs', () => {
    for (const directory of [root, stateDir]) {
      fs.mkdirSync(directory);
      fs.chownSync(directory, 60_000, 60_001);
    }
    const { directory, deviceFile } = add(LOW_B, { gid: 60_007 });
    expect(ownerOf(directory)).toEqual({ uid: 60_000, gid: 60_007 });
    expect(modeOf(directory)).toBe(0o2770);
    for (const path of [deviceFile, join(deviceFile, '..'), join(stateDir, 'registry.json')]) {
      expect(ownerOf(path)).toEqual({ uid: 60_000, gid: 60_001 });
    }
  });

  testAsRoot('change for a directory that is there, if a group is given', () => {
    add(LOW_B);
    fs.chmodSync(join(root, 'vm7'), 0o700);
    expect(groupOfVm(root, 7)).toBeUndefined();
    add(LOW_B, { gid: 60_007, replace: true });
    expect(ownerOf(join(root, 'vm7'))).toEqual({ uid: 0, gid: 60_007 });
    expect(modeOf(join(root, 'vm7'))).toBe(0o2770);
    expect(groupOfVm(root, 7)).toBe(60_007);
  });

  testAsRoot("give QEMU's user the register block, and the way to it", () => {
    const { deviceFile } = add(LOW_B, { qemuUid: 60_064 });
    expect(ownerOf(deviceFile).uid).toBe(60_064);
    expect(modeOf(deviceFile)).toBe(0o600);
    expect(modeOf(join(stateDir, 'devices'))).toBe(0o711);
    expect(modeOf(stateDir)).toBe(0o700);
    add(HIGH_A, { replace: true });
    expect([ownerOf(deviceFile).uid, modeOf(deviceFile)]).toEqual([60_064, 0o600]);
    expect(modeOf(join(stateDir, 'devices'))).toBe(0o711);
  });

  testAsRoot('never make a guest the user who owns its directory', () => {
    add(LOW_B);
    fs.chownSync(join(root, 'vm7'), 60_007, 60_007);
    expect(groupOfVm(root, 7)).toBeUndefined();
    expect(groupOfVm(root, 8)).toBeUndefined();
  });
});

describe.each<{ what: string; failure: Error }>([
  { what: 'kill', failure: new FakeKill() },
  { what: 'failure', failure: systemError('ENOSPC') },
])('a $what at any system call', ({ failure }) => {
  test('leaves a new VM unregistered or with all it needs; the next call does the rest', () => {
    for (let number = 1; ; number += 1) {
      stateDir = join(base, `state-${number}`);
      root = join(base, `vgpu-${number}`);
      const error = failAt(fakeFs, number, failure, () => add(LOW_B));
      const directory = join(root, 'vm7');
      const hasBlock = fs.existsSync(deviceFileOf(stateDir, 7));
      if (hasBlock) expect(blockOf()).toEqual(LOW_B);
      if (fs.existsSync(directory)) expect(modeOf(directory)).toBe(0o2770);
      if (registered() !== undefined) {
        expect([hasBlock, fs.existsSync(directory)]).toEqual([true, true]);
      }
      add(LOW_B, { replace: registered() !== undefined });
      expect([registered()?.pool, blockOf()]).toEqual(['B', LOW_B]);
      expect(fs.readdirSync(root)).toEqual(['vm7']);
      expect(fs.readdirSync(join(stateDir, 'devices'))).toEqual(['vm7.bar']);
      expect(fs.readdirSync(stateDir).sort()).toEqual(['devices', 'registry.json']);
      if (error === undefined) {
        expect(number).toBeGreaterThan(15);
        return;
      }
    }
  });

  test('leaves the register block of before, or the new one, as a whole', () => {
    for (let number = 1; ; number += 1) {
      add(LOW_B, { replace: true });
      const error = failAt(fakeFs, number, failure, () => add(HIGH_A, { replace: true }));
      expect([LOW_B, HIGH_A]).toContainEqual(blockOf());
      expect(fs.statSync(deviceFileOf(stateDir, 7)).size).toBe(4096);
      if (error === undefined) {
        expect([blockOf(), registered()?.pool]).toEqual([HIGH_A, 'A']);
        expect(number).toBeGreaterThan(10);
        return;
      }
    }
  });
});
