/** Changing and removing VMs, and setting pools: at rest, and with a failure or a kill at any call. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeRegisterBlock } from '@vgpu/protocol';
import { failAt, FakeFs, FakeKill, systemError } from '../support/fake-fs.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';

const fakeFs = new FakeFs();
const { addVm } = await import('../../src/provisioning/add-vm.js');
const { setVm } = await import('../../src/provisioning/set-vm.js');
const { removeVm } = await import('../../src/provisioning/remove-vm.js');
const { setPool } = await import('../../src/provisioning/set-pool.js');
const { deviceFileOf } = await import('../../src/provisioning/device-file.js');
const { Registry } = await import('../../src/state/registry.js');

const LOW_B = { vm: 7, pool: 'B', priority: 0 } as const;

let base: string;
let root: string;
let stateDir: string;

beforeEach(() => {
  base = temporaryDirectory();
  root = join(base, 'vgpu');
  stateDir = join(base, 'state');
  addVm(LOW_B, { root, stateDir });
});
afterEach(() => {
  fakeFs.restore();
  expect(openBelow(base)).toEqual([]);
});

const registered = () => new Registry(stateDir).get(7);
const block = () => decodeRegisterBlock(fs.readFileSync(deviceFileOf(stateDir, 7)));
const codeOf = (action: () => void): unknown => {
  try {
    action();
    return undefined;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

describe('changing a VM', () => {
  test('changes the given settings, and keeps the others', () => {
    const rateLimit = { perSecond: 2, burst: 4 };
    expect(setVm(7, { rateLimit, maxQueued: 3 }, stateDir)).toEqual({
      pool: 'B',
      priority: 0,
      suspended: false,
      rateLimit,
      maxQueued: 3,
    });
    setVm(7, { suspended: true, priority: 2 }, stateDir);
    setVm(7, {}, stateDir);
    expect(registered()).toEqual({
      pool: 'B',
      priority: 2,
      suspended: true,
      rateLimit,
      maxQueued: 3,
    });
    setVm(7, { pool: 'A', rateLimit: null, maxQueued: null, suspended: false }, stateDir);
    expect(registered()).toEqual({ pool: 'A', priority: 2, suspended: false });
    // Adding it again keeps its other settings.
    setVm(7, { maxQueued: 5 }, stateDir);
    addVm(LOW_B, { root, stateDir, replace: true });
    expect(registered()).toEqual({ pool: 'B', priority: 0, suspended: false, maxQueued: 5 });
  });

  test('rewrites the register block with pool or priority, and only then', () => {
    const { ino } = fs.statSync(deviceFileOf(stateDir, 7));
    setVm(7, { suspended: true, maxQueued: 1 }, stateDir);
    expect(fs.statSync(deviceFileOf(stateDir, 7)).ino).toBe(ino);
    setVm(7, { priority: 1 }, stateDir);
    expect(block()).toEqual({ vm: 7, pool: 'B', priority: 1 });
  });

  test('is refused for one that is not registered; nothing is made', () => {
    const empty = join(base, 'empty');
    for (const dir of [stateDir, empty]) {
      expect(codeOf(() => setVm(8, { priority: 1 }, dir))).toBe('NOT_REGISTERED');
      expect(
        codeOf(() => {
          removeVm(8, dir);
        }),
      ).toBe('NOT_REGISTERED');
    }
    expect(fs.existsSync(empty)).toBe(false);
  });

  test('to invalid settings is refused, and changes nothing', () => {
    const before = registered();
    expect(codeOf(() => setVm(7, { maxQueued: 0 }, stateDir))).toBe('INVALID_REGISTRY');
    expect(registered()).toEqual(before);
  });
});

describe('removing a VM', () => {
  test('takes its registration and its block, and leaves its directory', () => {
    addVm({ ...LOW_B, vm: 8 }, { root, stateDir });
    removeVm(7, stateDir);
    expect(registered()).toBeUndefined();
    expect(fs.readdirSync(join(stateDir, 'devices'))).toEqual(['vm8.bar']);
    expect(fs.readdirSync(root).sort()).toEqual(['vm7', 'vm8']);
    expect(
      codeOf(() => {
        removeVm(7, stateDir);
      }),
    ).toBe('NOT_REGISTERED');
  });

  test('does without a block that is gone', () => {
    fs.rmSync(join(stateDir, 'devices'), { recursive: true });
    removeVm(7, stateDir);
    expect(registered()).toBeUndefined();
  });
});

test('a pool is given devices also where nothing is registered yet', () => {
  const empty = join(base, 'empty');
  setPool('A', [0, 1], empty);
  expect(new Registry(empty).poolDevices('A')).toEqual([0, 1]);
  setPool('A', undefined, empty);
  expect(new Registry(empty).poolDevices('A')).toBeUndefined();
  fs.writeFileSync(join(base, 'file'), '');
  expect(
    codeOf(() => {
      setPool('A', [0], join(base, 'file'));
    }),
  ).toBe('STATE_DIR_UNUSABLE');
});

describe.each<{ what: string; failure: Error }>([
  { what: 'kill', failure: new FakeKill() },
  { what: 'failure', failure: systemError('ENOSPC') },
])('a $what at any system call', ({ failure }) => {
  test('leaves the VM as before or after its change; the same call does the rest', () => {
    const high = { pool: 'A', priority: 2 } as const;
    for (let number = 1; ; number += 1) {
      setVm(7, { pool: 'B', priority: 0 }, stateDir);
      const error = failAt(fakeFs, number, failure, () => setVm(7, high, stateDir));
      expect(['B0', 'A2']).toContain(`${registered()?.pool ?? ''}${registered()?.priority ?? ''}`);
      // A VM with its new registration has the new block.
      if (registered()?.pool === 'A') expect(block()).toEqual({ vm: 7, ...high });
      setVm(7, high, stateDir);
      expect([block(), registered()]).toMatchObject([{ vm: 7, ...high }, high]);
      if (error === undefined) {
        expect(number).toBeGreaterThan(10);
        return;
      }
      if (!(failure instanceof FakeKill))
        expect(error).toMatchObject({ code: 'STATE_DIR_UNUSABLE' });
    }
  });

  test('leaves a VM that is removed registered, or not', () => {
    for (let number = 1; ; number += 1) {
      addVm(LOW_B, { root, stateDir, replace: true });
      const error = failAt(fakeFs, number, failure, () => {
        removeVm(7, stateDir);
      });
      // No VM is left without its block.
      if (registered() !== undefined) expect(block()).toEqual(LOW_B);
      if (error === undefined) {
        expect(registered()).toBeUndefined();
        expect(number).toBeGreaterThan(5);
        return;
      }
    }
  });
});
