import * as childProcess from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { InstanceLock as Lock } from '../../src/state/instance-lock.js';
import { MediatorError } from '../../src/mediator-error.js';
import * as addon from '../../../linux/src/addon.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';

/** Where programs are found, if not in the usual places. Then there is no addon either. */
let path: string | undefined;

jest.unstable_mockModule('node:child_process', () => ({
  ...childProcess,
  spawnSync: (file: string, args: string[], options: childProcess.SpawnSyncOptions) =>
    childProcess.spawnSync(file, args, {
      ...options,
      env: { ...process.env, ...(path !== undefined && { PATH: path }) },
    }),
}));
jest.unstable_mockModule('../../../linux/src/addon.js', () => ({
  ...addon,
  addonIfAny: () => (path === undefined ? addon.addonIfAny() : undefined),
}));
const { InstanceLock } = await import('../../src/state/instance-lock.js');

let stateDir: string;
const locks: Lock[] = [];

function lockOf(directory: string): Lock {
  const lock = new InstanceLock(directory);
  locks.push(lock);
  return lock;
}

/** What acquiring fails with. */
function failureOf(lock: Lock): MediatorError {
  try {
    lock.acquire();
  } catch (error) {
    if (error instanceof MediatorError) return error;
    throw error;
  }
  throw new Error('expected that it could not be acquired');
}

/** Whether another process, too, finds the lock held. */
function isHeld(): boolean {
  return childProcess.spawnSync('flock', ['-n', join(stateDir, 'lock'), 'true']).status === 1;
}

beforeEach(() => {
  stateDir = join(temporaryDirectory(), 'deep', 'state');
});

afterEach(() => {
  path = undefined;
  for (const lock of locks.splice(0)) lock.release();
  expect(openBelow(stateDir)).toEqual([]);
});

test('the first has the lock, the second is refused, the next after its release has it', () => {
  const first = lockOf(stateDir);
  first.acquire();
  expect(isHeld()).toBe(true);
  const error = failureOf(lockOf(stateDir));
  expect(error.code).toBe('ALREADY_RUNNING');
  expect(error.message).toContain(join(stateDir, 'lock'));
  expect(error.message).toContain('--root');
  first.release();
  expect(isHeld()).toBe(false);
  lockOf(stateDir).acquire();
});

test('being refused does not take the lock from its holder', () => {
  lockOf(stateDir).acquire();
  failureOf(lockOf(stateDir));
  failureOf(lockOf(stateDir));
  expect(isHeld()).toBe(true);
});

test('other state directories do not matter', () => {
  lockOf(stateDir).acquire();
  lockOf(`${stateDir}-other`).acquire();
  expect(openBelow(`${stateDir}-other`)).toHaveLength(1);
});

test('the state directory is created for its owner only', () => {
  const umask = process.umask(0);
  try {
    lockOf(stateDir).acquire();
  } finally {
    process.umask(umask);
  }
  expect(statSync(stateDir).mode & 0o777).toBe(0o700);
  expect(statSync(join(stateDir, 'lock')).mode & 0o777).toBe(0o600);
});

test('what a killed mediator has left does not matter: the lock names its holder', () => {
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(join(stateDir, 'lock'), 'left by another, and longer');
  lockOf(stateDir).acquire();
  expect(readFileSync(join(stateDir, 'lock'), 'utf8')).toBe(`${process.pid}\n`);
  const { message } = failureOf(lockOf(stateDir));
  expect(message).toContain(`process ${process.pid} (`);
});

test('a state directory that cannot be created is refused with the reason', () => {
  const file = temporaryDirectory();
  writeFileSync(join(file, 'file'), '');
  const error = failureOf(lockOf(join(file, 'file', 'state')));
  expect(error.code).toBe('STATE_DIR_UNUSABLE');
  expect(error.message).toContain(join(file, 'file', 'state'));
  expect(error.message).toContain('ENOTDIR');
  expect(error.message).toContain('--state-dir');
  expect(error.cause).toMatchObject({ code: 'ENOTDIR' });
});

test('a lock that is no file is refused with the reason', () => {
  mkdirSync(join(stateDir, 'lock'), { recursive: true });
  expect(failureOf(lockOf(stateDir))).toMatchObject({
    code: 'STATE_DIR_UNUSABLE',
    cause: { code: 'EISDIR' },
  });
});

test('without flock(1) it names the missing program, and leaves nothing open', () => {
  path = temporaryDirectory();
  const error = failureOf(lockOf(stateDir));
  expect(error.code).toBe('STATE_DIR_UNUSABLE');
  expect(error.message).toContain('cannot run flock');
  expect(openBelow(stateDir)).toEqual([]);
});

/** A program that says what flock(1) says. */
function fakeFlock(said: string, status: number): void {
  path = temporaryDirectory();
  const script = `#!/bin/sh\necho "flock: 3: ${said}" >&2\nexit ${status}\n`;
  writeFileSync(join(path, 'flock'), script, { mode: 0o755 });
}

test('an flock(1) that fails otherwise is reported with what it said', () => {
  fakeFlock('Stale file handle', 65);
  const error = failureOf(lockOf(stateDir));
  expect(error.code).toBe('STATE_DIR_UNUSABLE');
  expect(error.message).toContain('flock: 3: Stale file handle');
  expect(openBelow(stateDir)).toEqual([]);
});

test('without the addon flock(1) locks', () => {
  path = '/usr/bin:/bin';
  lockOf(stateDir).acquire();
  expect(isHeld()).toBe(true);
  expect(failureOf(lockOf(stateDir)).code).toBe('ALREADY_RUNNING');
});

test('releasing twice, or without acquiring, is harmless', () => {
  const lock = lockOf(stateDir);
  lock.release();
  lock.acquire();
  lock.release();
  lock.release();
  expect(isHeld()).toBe(false);
});

test('flock(1) that fails does not count as a file system without locks', () => {
  const lock = new InstanceLock(stateDir, temporaryDirectory());
  locks.push(lock);
  lock.acquire();
  fakeFlock('No space left on device', 71);
  expect(() => {
    lock.lockRoot();
  }).toThrow('No space left on device');
  path = temporaryDirectory();
  expect(() => {
    lock.lockRoot();
  }).toThrow('cannot run flock');
  fakeFlock('No locks available', 71);
  lock.lockRoot();
});
