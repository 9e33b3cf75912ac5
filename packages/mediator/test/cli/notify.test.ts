/** Telling a service manager by the addon, and by its own program where there is no addon. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { describeIf } from '../../../../tests/support/describe-if.js';
import { NotifySocket } from '../../../../tests/support/notify-socket.js';
import * as native from '../../src/linux/native.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const loadAddon = jest.fn<typeof native.loadAddon>();
const real = native.loadAddon;
jest.unstable_mockModule('../../src/linux/native.js', () => ({ loadAddon }));
const { notify } = await import('../../src/cli/notify.js');

const hasProgram = spawnSync('systemd-notify', ['--version']).status === 0;
const HINT = 'skipped: it needs systemd-notify (apt-get install systemd)';

let directory: string;
let socket: NotifySocket;
beforeEach(async () => {
  directory = temporaryDirectory();
  socket = await NotifySocket.at(join(directory, 'notify'));
});
afterEach(() => socket.close());

describe('by the addon', () => {
  beforeEach(() => {
    loadAddon.mockImplementation(real);
  });

  test('sends all in one datagram', async () => {
    await notify(socket.path, 'READY=1', 'STATUS=größer');
    await socket.until('READY=1');
    expect(socket.told).toEqual(['READY=1\nSTATUS=größer']);
  });

  test.each([
    ['absent', 'ENOENT'],
    ['n'.repeat(200), 'ENAMETOOLONG'],
  ])('fails where no manager listens: %s', async (name, code) => {
    await expect(notify(join(directory, name), 'READY=1')).rejects.toMatchObject({ code });
  });

  test.each([
    ['', 'EINVAL'],
    ['@vgpu-absent', 'ECONNREFUSED'],
  ])('fails at the address %j', async (path, code) => {
    await expect(notify(path, 'READY=1')).rejects.toMatchObject({ code });
  });
});

describeIf(hasProgram, HINT, 'by systemd-notify', () => {
  beforeEach(() => {
    loadAddon.mockReturnValue(undefined);
  });

  test('tells the same', async () => {
    await notify(socket.path, 'READY=1', 'STATUS=two words');
    await socket.until('READY=1');
    expect(socket.told[0]?.trimEnd()).toBe('READY=1\nSTATUS=two words');
  });

  test('fails where no manager listens', async () => {
    await expect(notify(join(directory, 'absent'), 'READY=1')).rejects.toThrow('systemd-notify');
  });
});
