import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Registry as RegistryClass } from '../src/registry.js';
import { failAt, FakeFs, FakeKill, systemError } from './support/fake-fs.js';
import { openBelow, temporaryDirectory } from './support/temporary-directory.js';

const fakeFs = new FakeFs();
const { Registry } = await import('../src/registry.js');

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

  test('keeps what was registered, for its owner only', () => {
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

  const testAsRoot = process.geteuid?.() === 0 ? test : test.skip;
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
    ['no object', '[]', 'is invalid: '],
    ['another version', '{"version":2,"vms":{}}', 'version: expected 1: a newer mediator'],
    [
      'a VM number with a leading zero',
      '{"version":1,"vms":{"07":{"pool":"A","priority":1}}}',
      '07',
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

  test('that fails, at any call, says so and leaves the file and what is known alike', () => {
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
      // Whoever comes next is not kept off by what was left.
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
