import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { testAsRoot } from '../../../../tests/support/describe-if.js';
import type { Registry as RegistryClass } from '../../src/state/registry.js';
import { failAt, FakeFs, FakeKill, systemError } from '../support/fake-fs.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';

const fakeFs = new FakeFs();
const { Registry } = await import('../../src/state/registry.js');

let stateDir: string;
const path = () => join(stateDir, 'registry.json');
const open = (): RegistryClass => new Registry(stateDir);

beforeEach(() => {
  stateDir = join(temporaryDirectory(), 'state');
});
afterEach(() => {
  fakeFs.restore();
  expect(openBelow(stateDir)).toEqual([]);
});

const HIGH_A = { pool: 'A', priority: 2, suspended: false } as const;
const LOW_B = { pool: 'B', priority: 0, suspended: true } as const;

describe('the registry', () => {
  test('is empty without a file, and creates none', () => {
    expect(open().entries()).toEqual([]);
    expect(fs.existsSync(stateDir)).toBe(false);
  });

  test('keeps registrations, for its owner only', () => {
    const registry = open();
    registry.set(20, LOW_B);
    registry.set(3, { pool: 'A', priority: 1 });
    registry.set(3, { pool: 'A', priority: 2 });
    for (const each of [registry, open()]) {
      expect(each.entries()).toEqual([
        [3, HIGH_A],
        [20, LOW_B],
      ]);
      expect(each.size).toBe(2);
      expect(each.get(20)).toEqual(LOW_B);
      expect(each.get(4)).toBeUndefined();
    }
    expect(fs.statSync(path()).mode & 0o777).toBe(0o600);
    expect(fs.statSync(stateDir).mode & 0o777).toBe(0o700);
    expect(registry.remove(3)).toBe(true);
    expect(registry.remove(3)).toBe(false);
    expect(open().entries()).toEqual([[20, LOW_B]]);
  });

  test('keeps the limits of a VM, and the devices of a pool', () => {
    const limited = {
      ...HIGH_A,
      rateLimit: { perSecond: 2.5, burst: 5 },
      maxQueued: 8,
    };
    const registry = open();
    registry.set(3, limited);
    registry.setPoolDevices('A', [1, 0]);
    registry.setPoolDevices('B', [2]);
    registry.setPoolDevices('B', undefined);
    for (const each of [registry, open()]) {
      expect(each.get(3)).toEqual(limited);
      expect([each.poolDevices('A'), each.poolDevices('B')]).toEqual([[1, 0], undefined]);
    }
    // A change of the one keeps the other.
    open().set(4, LOW_B);
    open().setPoolDevices('A', [3]);
    expect(open().entries()).toEqual([
      [3, limited],
      [4, LOW_B],
    ]);
    expect(open().poolDevices('A')).toEqual([3]);
    for (const devices of [[], [0, 0], [-1], [1000], [0.5]]) {
      expect(() => {
        open().setPoolDevices('A', devices);
      }).toThrow(expect.objectContaining({ code: 'INVALID_REGISTRY' }));
    }
    expect(open().poolDevices('A')).toEqual([3]);
  });

  test('reads a file of version 1, and keeps its content', () => {
    fs.mkdirSync(stateDir);
    fs.writeFileSync(
      path(),
      '{"version":1,"vms":{"3":{"pool":"A","priority":2},"20":{"pool":"B","priority":0,"suspended":true}}}',
    );
    const registry = open();
    expect(registry.entries()).toEqual([
      [3, HIGH_A],
      [20, LOW_B],
    ]);
    expect(registry.poolDevices('A')).toBeUndefined();
    registry.setPoolDevices('A', [0]);
    expect(open().entries()).toEqual(registry.entries());
    expect(JSON.parse(fs.readFileSync(path(), 'utf8'))).toMatchObject({ version: 2 });
  });

  testAsRoot("is the state directory's owner's, also if root has changed it", () => {
    fs.mkdirSync(stateDir, { mode: 0o700 });
    fs.chownSync(stateDir, 60_000, 60_001);
    open().set(3, HIGH_A);
    const { uid, gid, mode } = fs.statSync(path());
    expect({ uid, gid, mode: mode & 0o777 }).toEqual({ uid: 60_000, gid: 60_001, mode: 0o600 });
  });

  test('changes what the file holds, not what it has read before', () => {
    const [first, second] = [open(), open()];
    first.set(1, HIGH_A);
    second.set(2, LOW_B);
    expect(open().size).toBe(2);
    expect(first.size).toBe(1);
    first.reload();
    expect(first.size).toBe(2);
  });

  test.each([0, 1.5, NaN, 2 ** 32])('takes no VM number %s', (vm) => {
    expect(() => {
      open().set(vm, HIGH_A);
    }).toThrow(expect.objectContaining({ code: 'INVALID_REGISTRY' }));
    expect(fs.existsSync(path())).toBe(false);
  });

  test.each([
    ['no JSON', '{', 'cannot be read: '],
    [
      'a VM twice',
      '{"version":1,"vms":{"7":{"pool":"A","priority":1},"7":{"pool":"B","priority":1}}}',
      'the key "7" of "vms" occurs twice, again in line 1',
    ],
    [
      'a setting of a VM twice',
      '{"version":2,\n"vms":{"7":{"pool":"A","priority":1,\n"suspended":true,"suspended":false}}}',
      'the key "suspended" of "vms.7" occurs twice, again in line 3',
    ],
    ['no object', '[]', 'is invalid: '],
    ['another version', '{"version":3,"vms":{}}', 'version: expected 1 or 2: a newer mediator'],
    [
      'a VM number with a leading zero',
      '{"version":1,"vms":{"07":{"pool":"A","priority":1}}}',
      'vms.07: expected the number of a VM, 1 to 4294967295, without leading zeros',
    ],
    [
      'another pool',
      '{"version":1,"vms":{"7":{"pool":"C","priority":1}}}',
      "vms.7.pool: expected 'A' or 'B'",
    ],
    [
      'another priority',
      '{"version":1,"vms":{"7":{"pool":"A","priority":"high"}}}',
      'vms.7.priority: expected 0 (low)',
    ],
    [
      'a rate of nothing',
      '{"version":2,"vms":{"7":{"pool":"A","priority":1,"rateLimit":{"perSecond":0,"burst":1}}}}',
      'vms.7.rateLimit.perSecond: expected requests per second from 0.001 to 1000000',
    ],
    [
      'a rate without a burst',
      '{"version":2,"vms":{"7":{"pool":"A","priority":1,"rateLimit":{"perSecond":1}}}}',
      'vms.7.rateLimit.burst: expected a whole number from 1 to 1000000',
    ],
    [
      'a queue limit of nothing',
      '{"version":2,"vms":{"7":{"pool":"A","priority":1,"maxQueued":0}}}',
      'vms.7.maxQueued: expected a whole number',
    ],
    ['another pool with devices', '{"version":2,"vms":{},"pools":{"C":{"devices":[0]}}}', 'pools'],
    [
      'a pool without devices',
      '{"version":2,"vms":{},"pools":{"A":{"devices":[]}}}',
      'pools.A.devices: expected device numbers from 0 to 999, each once',
    ],
    [
      'a device twice',
      '{"version":2,"vms":{},"pools":{"A":{"devices":[1,1]}}}',
      'pools.A.devices: expected device numbers',
    ],
    [
      'half a device',
      '{"version":2,"vms":{},"pools":{"A":{"devices":[0.5]}}}',
      'pools.A.devices.0: expected device numbers',
    ],
    ['an unknown key', '{"version":1,"vms":{"7":{"pool":"A","priority":1,"fast":true}}}', 'fast'],
  ])('refuses a file with %s, and keeps what it knows', (_what, content, message) => {
    const registry = open();
    registry.set(7, HIGH_A);
    fs.writeFileSync(path(), content);
    const refusal = { code: 'INVALID_REGISTRY', message: expect.stringContaining(message) };
    expect(open).toThrow(expect.objectContaining(refusal));
    expect(() => {
      registry.reload();
    }).toThrow(expect.objectContaining(refusal));
    expect(() => {
      registry.set(8, LOW_B);
    }).toThrow(expect.objectContaining(refusal));
    expect(registry.entries()).toEqual([[7, HIGH_A]]);
    expect(fs.readFileSync(path(), 'utf8')).toBe(content);
  });
});

describe('a change of the registry', () => {
  beforeEach(() => {
    open().set(1, HIGH_A);
  });

  test('that fails at any system call throws, and leaves the file and the memory unchanged', () => {
    for (let number = 1; ; number += 1) {
      const registry = open();
      const error = failAt(fakeFs, number, systemError('ENOSPC'), () => {
        registry.set(2, LOW_B);
      });
      expect(open().entries()).toEqual(registry.entries());
      expect(registry.get(1)).toEqual(HIGH_A);
      if (error === undefined) {
        expect(registry.get(2)).toEqual(LOW_B);
        expect(number).toBeGreaterThan(5);
        return;
      }
      expect(error).toMatchObject({ code: 'STATE_DIR_UNUSABLE' });
      open().remove(2);
    }
  });

  test('survives a kill at any call: the file is the one before or the one after', () => {
    for (let number = 1; ; number += 1) {
      const registry = open();
      const error = failAt(fakeFs, number, new FakeKill(), () => {
        registry.set(2, LOW_B);
      });
      expect([1, 2]).toContain(open().size);
      // The next change is not blocked by leftovers.
      open().set(2, LOW_B);
      expect(open().entries()).toEqual([
        [1, HIGH_A],
        [2, LOW_B],
      ]);
      expect(fs.readdirSync(stateDir)).toEqual(['registry.json']);
      if (error === undefined) {
        expect(number).toBeGreaterThan(5);
        return;
      }
      expect(error).toBeInstanceOf(FakeKill);
      open().remove(2);
    }
  });
});
