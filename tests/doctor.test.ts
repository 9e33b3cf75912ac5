/** `vgpu-mediator doctor` on hosts that are well, and on such as are not. */
import { chmodSync, cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  environment,
  type Finished,
  MEDIATOR,
  MediatorProcess,
  run,
  runMediator,
  until,
} from './support/processes.js';
import { describeWithMounts, FragileRoot } from './support/world.js';

interface Diagnosis {
  readonly check: string;
  readonly result: string;
  readonly message: string;
  readonly remedy?: string;
}

let root: FragileRoot;
afterEach(() => {
  root.remove();
});

const doctor = (...args: string[]) =>
  runMediator('doctor', '--backend', 'cpu', ...args, '--root', root.path);
const findingsIn = ({ stdout }: Finished) =>
  (JSON.parse(stdout) as Diagnosis[]).filter(({ result }) => result === 'finding');
const add = (vm: number) =>
  runMediator('vm', 'add', `${vm}`, '--pool', 'A', '--priority', '1', '--root', root.path);

/** The tests have their directories in memory, on a file system of everybody. */
const USUAL = ['--skip', 'file-system,mount'];

describe('the doctor', () => {
  beforeEach(() => {
    root = new FragileRoot([]);
  });

  it('says what is wrong, and what to do about it, with 1', async () => {
    await add(7);
    chmodSync(root.path, 0o777);
    const found = await doctor(...USUAL);
    expect(found.status).toBe(1);
    expect(found.stderr).toBe('vgpu-mediator: 1 finding\n');
    expect(found.stdout).toContain('ok\tregistry\t1 VMs are registered');
    expect(found.stdout).toMatch(
      new RegExp(`^finding\\troot\\t.*mode 0777.*\\tchmod go-w ${root.path}$`, 'm'),
    );
    const json = await doctor(...USUAL, '--json');
    expect(json).toMatchObject({ status: 1, stderr: '' });
    expect(findingsIn(json)).toMatchObject([{ check: 'root', remedy: `chmod go-w ${root.path}` }]);
    chmodSync(root.path, 0o755);
    expect(await doctor(...USUAL)).toMatchObject({ status: 0, stderr: '' });
  });

  it.each([
    { args: ['--skip', 'roots'], status: 64, text: '--skip: expected some of addon, devices' },
    { args: ['--devices', 'x'], status: 64, text: '--devices' },
    { args: ['--config', '/dev/null'], status: 78, text: 'cannot be read' },
  ])('refuses $args with $status', async ({ args, status, text }) => {
    const refused = await doctor(...args);
    expect(refused).toMatchObject({ status, stdout: '' });
    expect(refused.stderr).toContain(text);
  });

  it('knows a mediator that serves from one that hangs, and from one that was killed', async () => {
    const mediator = await MediatorProcess.serving(root);
    const well = await doctor(...USUAL);
    expect(well.status).toBe(0);
    expect(well.stdout).toContain(`a mediator is running, pid ${mediator.pid}`);
    const skip = `${USUAL[1] ?? ''},pools,open-files`;
    mediator.signal('SIGSTOP');
    const hangs = await doctor('--skip', skip, '--json');
    expect(findingsIn(hangs)).toMatchObject([
      { check: 'instance', message: expect.stringContaining('does not answer') },
    ]);
    mediator.signal('SIGKILL');
    await mediator.exited;
    const socket = join(`${root.path}-state`, 'control.sock');
    await until(() => existsSync(socket), 'what is left');
    expect(findingsIn(await doctor(...USUAL, '--json'))).toMatchObject([
      { check: 'instance', message: expect.stringContaining('it was killed') },
    ]);
    const next = await MediatorProcess.serving(root);
    expect((await doctor(...USUAL)).status).toBe(0);
    expect(await next.stop()).toBe(0);
    expect((await doctor(...USUAL)).status).toBe(0);
  });

  it('misses a device that a pool has and nobody serves with', async () => {
    await runMediator('pool', 'set', 'B', '--devices', '1', '--root', root.path);
    expect(findingsIn(await doctor(...USUAL, '--json'))).toMatchObject([
      { check: 'pools', message: expect.stringContaining('pool B has the devices 1') },
    ]);
    const mediator = await MediatorProcess.serving(root, '--devices', '0,1');
    // It is the mediator's devices that count.
    expect((await doctor(...USUAL)).status).toBe(0);
    expect(await mediator.stop()).toBe(0);
  });
});

describeWithMounts('the doctor, of file systems and exports', () => {
  beforeEach(() => {
    root = new FragileRoot([]);
  });

  it('wants the root on a file system where nothing of a guest can be run', async () => {
    root.mountTmpfs(root.path, 'size=1m,nodev,nosuid,noexec');
    await add(7);
    expect(await doctor('--skip', 'file-system')).toMatchObject({ status: 0, stderr: '' });
    root.remount(root.path, 'suid');
    expect(findingsIn(await doctor('--skip', 'file-system', '--json'))).toMatchObject([
      { check: 'mount', message: expect.stringMatching(/mounted at .*vgpu, is not nosuid$/) },
    ]);
  });

  it('reads the exports of the host', async () => {
    await add(7);
    await add(8);
    const etc = join(root.base, 'etc');
    cpSync('/etc', etc, { recursive: true, verbatimSymlinks: true, filter: isSmall });
    mkdirSync(join(etc, 'exports.d'), { recursive: true });
    const line = (vm: number) =>
      `${root.in(vm)} 10.0.0.${vm}(rw,sync,subtree_check,all_squash,anonuid=6000${vm},anongid=${process.getgid?.() ?? 0})\n`;
    writeFileSync(join(etc, 'exports'), line(7));
    writeFileSync(join(etc, 'exports.d', 'more.exports'), `${root.path} *(rw)\n`);
    const words = [process.execPath, MEDIATOR, 'doctor', '--backend', 'cpu', '--json'];
    const command = [...words, ...USUAL, '--root', root.path];
    const found = await run(
      'unshare',
      ['-m', 'sh', '-c', 'mount --bind "$0" /etc && exec "$@"', etc, ...command],
      { env: environment },
    );
    expect(found.status).toBe(1);
    const messages = findingsIn(found).map(({ check, message }) => `${check}: ${message}`);
    expect(messages).toContainEqual(
      expect.stringMatching(/^exports: \/etc\/exports\.d\/more\.exports exports .* all VM dir/),
    );
    expect(messages).toContainEqual(expect.stringMatching(/^exports: \/etc\/exports: .*vm7 makes/));
  });
});

/** What a process needs of /etc to start. */
function isSmall(path: string): boolean {
  return /^\/etc(?:\/(?:ld\.so\.[^/]*(?:\/.*)?|passwd|group|nsswitch\.conf|localtime))?$/.test(
    path,
  );
}
