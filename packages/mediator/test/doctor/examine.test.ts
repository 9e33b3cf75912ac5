/** The doctor on this host: the facts that it gathers, also on a host that it cannot examine. */
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { DeviceError } from '@vgpu/cuda-binding';
import { CHECKS, examine, type CheckName, type CheckContext } from '../../src/doctor/examine.js';
import {
  fileSystemOf,
  mountOf,
  openFilesLimitOf,
  sysctl,
  vmDirectoriesIn,
} from '../../src/doctor/host.js';
import { parseMounts } from '../../src/doctor/mount.js';
import { addVm } from '../../src/provisioning/add-vm.js';
import { deviceFileOf } from '../../src/provisioning/device-file.js';
import { setPool } from '../../src/provisioning/set-pool.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';

let base: string;
let root: string;
let stateDir: string;
const listDevices = jest.fn<CheckContext['listDevices']>();

beforeEach(() => {
  base = temporaryDirectory();
  root = join(base, 'vgpu');
  stateDir = join(base, 'state');
  listDevices.mockReset().mockResolvedValue([]);
  addVm({ vm: 7, pool: 'B', priority: 0 }, { root, stateDir });
});
afterEach(() => {
  expect(openBelow(base)).toEqual([]);
});

async function resultsOf(check: CheckName, patient: Partial<CheckContext> = {}): Promise<string[]> {
  const all = await examine(
    { root, stateDir, backend: 'auto', devices: 'all', listDevices, ...patient },
    [check],
  );
  expect(all.every((each) => each.check === check)).toBe(true);
  return all.map(({ result, message }) => `${result}: ${message}`);
}

const FINDING = expect.stringMatching(/^finding: /);
const OK = expect.stringMatching(/^ok: /);

describe('the doctor', () => {
  test('examines root, state and registry', async () => {
    for (const check of [
      'root',
      'vm-directories',
      'state',
      'registry',
      'clock',
      'instance',
    ] as const) {
      expect(await resultsOf(check)).toEqual([OK]);
    }
    chmodSync(root, 0o777);
    expect(await resultsOf('root')).toEqual([FINDING]);
    mkdirSync(join(root, 'vm07'));
    symlinkSync(base, join(root, 'vm8'));
    expect(await resultsOf('vm-directories')).toEqual([FINDING, FINDING]);
    chmodSync(stateDir, 0o755);
    expect(await resultsOf('state')).toEqual([FINDING]);
    rmSync(deviceFileOf(stateDir, 7));
    writeFileSync(deviceFileOf(stateDir, 9), '');
    expect(await resultsOf('registry')).toEqual([FINDING, FINDING]);
    writeFileSync(join(stateDir, 'registry.json'), '{');
    expect(await resultsOf('registry')).toEqual([expect.stringContaining('cannot be read')]);
    writeFileSync(join(stateDir, 'control.sock'), '');
    expect(await resultsOf('instance')).toEqual([FINDING]);
  });

  test('asks the driver, and gives up one that throws', async () => {
    expect(await resultsOf('devices')).toEqual([FINDING]);
    expect(await resultsOf('devices', { backend: 'cpu' })).toEqual([
      expect.stringMatching(/^skipped: /),
    ]);
    listDevices.mockRejectedValue(new DeviceError('BACKEND_UNAVAILABLE', 'no driver'));
    expect(await resultsOf('devices')).toEqual(['finding: no driver']);
    expect(await resultsOf('addon')).toEqual([OK]);
  });

  test('gives up a driver that hangs', async () => {
    listDevices.mockReturnValue(new Promise(() => undefined));
    jest.useFakeTimers();
    try {
      const results = resultsOf('devices');
      await jest.advanceTimersByTimeAsync(10_000);
      expect(await results).toEqual([expect.stringContaining('did not list its devices')]);
    } finally {
      jest.useRealTimers();
    }
  });

  test('knows the devices that serve', async () => {
    setPool('A', [3], stateDir);
    expect(await resultsOf('pools', { backend: 'cpu' })).toEqual([FINDING]);
    expect(await resultsOf('pools', { backend: 'cpu', devices: [2, 3] })).toEqual([OK]);
  });

  test('continues after checks that fail', async () => {
    rmSync(root, { recursive: true });
    writeFileSync(root, '');
    rmSync(stateDir, { recursive: true });
    writeFileSync(stateDir, '');
    const all = await examine({ root, stateDir, backend: 'cpu', devices: 'all', listDevices });
    expect(new Set(all.map(({ check }) => check))).toEqual(new Set(CHECKS));
    expect(listDevices).not.toHaveBeenCalled();
  });
});

describe('the gathered facts', () => {
  test('of a directory of VMs is what looks like theirs', () => {
    writeFileSync(join(root, 'vm12'), '');
    mkdirSync(join(root, 'vm007'));
    for (const name of ['other', '.vm7.new', 'vmx']) mkdirSync(join(root, name));
    const found = vmDirectoriesIn(root).sort((a, b) => a.path.localeCompare(b.path));
    expect(found).toMatchObject([
      { path: join(root, 'vm007'), kind: 'directory', vm: undefined },
      { path: join(root, 'vm12'), kind: 'file', vm: 12 },
      { path: join(root, 'vm7'), kind: 'directory', vm: 7, mode: 0o2770 },
    ]);
  });

  test('of the kernel are its limits', () => {
    expect(sysctl('fs.inotify.max_user_watches')).toBeGreaterThan(0);
    expect(sysctl('fs.no_such_thing')).toBeUndefined();
    expect(openFilesLimitOf('self')).toBeGreaterThan(0);
    expect(openFilesLimitOf(0x7fff_ffff)).toBeUndefined();
    expect(fileSystemOf(join(base, 'not', 'there'))).toBe(fileSystemOf(base));
    const mounts = parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
    expect(mountOf('/proc/self', mounts)).toMatchObject({ point: '/proc', part: '/' });
    expect(mountOf(join(base, 'not', 'there'), mounts)).toBe(mountOf(base, mounts));
    expect(() => mountOf(base, [])).toThrow('does not report the mount');
  });
});
