import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { encodeRegisterBlock } from '@vgpu/protocol';
import { describeIf, testIf } from '../../../tests/support/describe-if.js';
import { FakePci, stubBlock } from './fake-pci.js';
import { canMount, HOW_TO_MOUNT, inPlaceOf } from './namespace.js';

// What is tested where: that every line has the form of a rule, anywhere. That udev takes the file
// without complaint, and what it does for which device, where udev is, by `udevadm test` on a tree
// that stands for /sys. `udevadm verify` is asked too where it is known (systemd 254). That the
// kernel lets a resource file be given to a group is not tested here, since the tree is no sysfs: it
// was seen in a VM (Linux 6.1).

const NAME = '60-vgpu.rules';
const OFF = { enable: '0' };
const file = new URL(`../udev/${NAME}`, import.meta.url);
const text = fs.readFileSync(file, 'utf8');

test('every line is a comment or a rule', () => {
  const token = /(?:[A-Z]+(?:\{[A-Za-z_]+\})?)(?:==|!=|\+=|=)"[^"]*"/;
  const rule = new RegExp(`^${token.source}(?:, ${token.source})*$`);
  const rules = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(rules.filter((line) => !rule.test(line))).toEqual([]);
  const [, label = ''] = /^LABEL="(.*)"$/m.exec(text) ?? [];
  const targets = [...text.matchAll(/GOTO="(.*?)"/g)].map(([, target]) => target);
  expect(new Set(targets)).toEqual(new Set([label]));
});

const version = Number(spawnSync('udevadm', ['--version'], { encoding: 'utf8' }).stdout);
const HOW_TO_ENABLE = version > 0 ? HOW_TO_MOUNT : 'skipped: it needs udev (apt-get install udev)';
const hasUdev = version > 0 && canMount();

testIf(
  version >= 254,
  'skipped: it needs udev 254 or later',
  'udevadm verify finds nothing',
  () => {
    const { status, stderr } = spawnSync('udevadm', ['verify', fileURLToPath(file)], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  },
);

describeIf(hasUdev, HOW_TO_ENABLE, 'what udev does', () => {
  const identity = { vm: 1, pool: 'A', priority: 0 } as const;
  let pci: FakePci;
  let run: string;

  beforeEach(() => {
    pci = new FakePci();
    run = fs.mkdtempSync(path.join(os.tmpdir(), 'vgpu-run-'));
    fs.mkdirSync(path.join(run, 'udev/rules.d'), { recursive: true });
    fs.copyFileSync(file, path.join(run, 'udev/rules.d', NAME));
    fs.mkdirSync(path.join(pci.root, 'fs'));
  });
  afterEach(() => {
    pci.remove();
    fs.rmSync(run, { recursive: true });
  });

  /** Has udev look at a device, in which `enable` changes; gives what it would run. */
  function runs(directory: string, action = 'add'): string[] {
    fs.writeFileSync(path.join(directory, 'uevent'), '');
    fs.symlinkSync('../../../bus/pci', path.join(directory, 'subsystem'));
    const seen = path.join('/sys', path.relative(pci.root, directory));
    const mounts = inPlaceOf([run, '/run'], [pci.root, '/sys']);
    const udev = ['udevadm', 'test', `--action=${action}`, seen];
    const [command = '', ...args] = [...mounts, ...udev];
    const { stdout, stderr } = spawnSync(command, args, {
      encoding: 'utf8',
      env: { ...process.env, SYSTEMD_DEVICE_VERIFY_SYSFS: '0', SYSTEMD_LOG_LEVEL: 'debug' },
    });
    const output = stdout + stderr;
    expect(output).toContain(`rules.d/${NAME}`);
    // udev complains of a rule that it does not understand by name and line, and leaves it out.
    expect(output).not.toMatch(new RegExp(`${NAME}:\\d+ .*(?:[Ii]nvalid|[Uu]nknown|ignor)`));
    return [...output.matchAll(/^run: '(.*)'$/gm)].map(([, line = '']) => line);
  }

  const enabled = (directory: string) =>
    fs.readFileSync(path.join(directory, 'enable'), 'utf8').trim();

  test.each([
    [
      'the original device',
      'resource0',
      () => pci.addStub('0000:00:05.0', stubBlock(identity), OFF),
    ],
    [
      'ivshmem',
      'resource2',
      () => pci.addIvshmem('0000:00:05.0', encodeRegisterBlock(identity), OFF),
    ],
  ])('turns %s on and lets a group read its registers', (_what, resource, make) => {
    const directory = make();
    const commands = runs(directory);
    expect(commands).toEqual([
      `/bin/chgrp vgpu /sys/devices/pci0000:00/0000:00:05.0/${resource}`,
      `/bin/chmod 0440 /sys/devices/pci0000:00/0000:00:05.0/${resource}`,
    ]);
    expect(enabled(directory)).toBe('1');
    for (const command of commands) {
      const [program = '', change = ''] = command.split(' ');
      const own = change === 'vgpu' ? String(process.getgid?.()) : change;
      expect(spawnSync(program, [own, path.join(directory, resource)]).status).toBe(0);
    }
    expect(fs.statSync(path.join(directory, resource)).mode & 0o777).toBe(0o440);
  });

  test('does not turn on twice', () => {
    const directory = pci.addStub('0000:00:05.0', stubBlock(identity), { enable: '2' });
    expect(runs(directory)).toHaveLength(2);
    expect(enabled(directory)).toBe('2');
  });

  test.each([
    ['another device', () => pci.add('0000:00:05.0', OFF)],
    ['another virtio device', () => pci.add('0000:00:05.0', { ...OFF, vendor: '0x1af4' })],
    [
      'another class',
      () => pci.addStub('0000:00:05.0', stubBlock(identity), { ...OFF, class: '0x030000' }),
    ],
  ])('leaves %s alone', (_what, make) => {
    const directory = make();
    expect(runs(directory)).toEqual([]);
    expect(enabled(directory)).toBe('0');
  });

  test('leaves a device alone that is going', () => {
    const directory = pci.addStub('0000:00:05.0', stubBlock(identity), OFF);
    expect(runs(directory, 'remove')).toEqual([]);
    expect(enabled(directory)).toBe('0');
  });
});
