/** Modes of created files, independent of the umask of the process. */
import { chmodSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { execute } from '../../src/cli/installation.js';
import { ControlServer } from '../../src/control/control-server.js';
import { makeDirectory } from '../../src/state/directories.js';
import { listen } from '../../src/http/listen.js';
import { InstanceLock } from '../../src/state/instance-lock.js';
import { addVm } from '../../src/provisioning/add-vm.js';
import { FakeLogger } from '../support/fakes.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let base: string;
// Read by setting it: to read it alone is deprecated.
const before = process.umask(0o022);
beforeEach(() => {
  base = temporaryDirectory();
});
afterEach(() => {
  process.umask(before);
});

const MASKS = [0o000, 0o027, 0o077].map((mask) => [mask.toString(8), mask] as const);
const modesOf = (...paths: string[]) =>
  Object.fromEntries(
    paths.map((path) => [path, (statSync(join(base, path)).mode & 0o7777).toString(8)]),
  );

test.each(MASKS)('with umask %s a VM is added as with any other', (_name, mask) => {
  process.umask(mask);
  const [root, stateDir] = [join(base, 'srv/vgpu'), join(base, 'lib/state')];
  addVm({ vm: 7, pool: 'A', priority: 1 }, { root, stateDir });
  addVm({ vm: 8, pool: 'A', priority: 1 }, { root, stateDir, qemuUid: process.getuid?.() ?? 0 });
  expect(modesOf('srv', 'srv/vgpu', 'srv/vgpu/vm7', 'lib/state')).toEqual({
    srv: '755',
    'srv/vgpu': '755',
    'srv/vgpu/vm7': '2770',
    'lib/state': '700',
  });
  const files = [
    'lib/state/registry.json',
    'lib/state/devices/vm7.bar',
    'lib/state/devices/vm8.bar',
  ];
  expect(Object.values(modesOf(...files))).toEqual(['600', '600', '600']);
  expect(modesOf('lib/state/devices')).toEqual({ 'lib/state/devices': '711' });
});

test.each(MASKS)('with umask %s a mediator has its lock and its sockets', async (_name, mask) => {
  process.umask(mask);
  const stateDir = join(base, 'state');
  const lock = new InstanceLock(stateDir);
  lock.acquire();
  const handlers = { reload: nothing, status: nothing, drain: nothing };
  const control = new ControlServer(stateDir, handlers);
  await control.listen();
  const endpoint = { kind: 'unix', path: join(base, 'http.sock') } as const;
  const { servers } = await listen(() => createServer(), endpoint, new FakeLogger());
  const maskAfter = process.umask(mask);
  const modes = modesOf('state', 'state/lock', 'state/control.sock', 'http.sock');
  control.close();
  for (const server of servers) server.close();
  lock.release();
  expect(maskAfter).toBe(mask);
  expect(modes).toEqual({
    state: '700',
    'state/lock': '600',
    'state/control.sock': '600',
    'http.sock': '660',
  });
});

test.each(MASKS)('with umask %s everybody may read the unit', async (_name, mask) => {
  process.umask(mask);
  await execute([{ write: '/etc/systemd/system/x.service', content: 'x' }], base);
  const unit = 'etc/systemd/system/x.service';
  expect(modesOf('etc', 'etc/systemd', unit)).toEqual({
    etc: '755',
    'etc/systemd': '755',
    [unit]: '644',
  });
  process.umask(before);
  expect(readFileSync(join(base, unit), 'utf8')).toBe('x');
});

test('what the directory above gives is kept', () => {
  mkdirSync(join(base, 'set-gid'));
  chmodSync(join(base, 'set-gid'), 0o2755);
  process.umask(0o077);
  makeDirectory(join(base, 'set-gid/vgpu'), 0o755);
  expect(modesOf('set-gid/vgpu')).toEqual({ 'set-gid/vgpu': '2755' });
});

function nothing(): never {
  throw new Error('not expected');
}
