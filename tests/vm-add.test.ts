import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  environment,
  MEDIATOR,
  MediatorProcess,
  run,
  runClient,
  runMediator,
  TestRoot,
} from './support/processes.js';
import { describeAsOthers } from './support/public-programs.js';
import { describeWithStrace } from './support/strace.js';

const NOTE = 'vgpu-mediator: no mediator is running; the change takes effect at the next start\n';
const APPLIED = 'vgpu-mediator: applied to the running mediator\n';

let root: TestRoot;
beforeEach(() => {
  root = new TestRoot([]);
});
afterEach(() => {
  root.remove();
});

const stateDir = () => `${root.path}-state`;
const deviceFile = (vm: number) => join(stateDir(), 'devices', `vm${vm}.bar`);
const vm = (...args: string[]) => runMediator('vm', ...args, '--root', root.path);
const addVm7 = (...args: string[]) => vm('add', '7', '--pool', 'B', '--priority', 'low', ...args);

describe('vm add', () => {
  it('makes a VM that is served as who its register block says', async () => {
    const mediator = await MediatorProcess.serving(root, '--require-registration');
    expect(await addVm7()).toEqual({
      status: 0,
      stdout:
        `VM 7 is registered: pool B, priority low\ndirectory: ${root.in(7)} (created)\n` +
        `register block: ${deviceFile(7)}\n`,
      stderr: APPLIED,
    });
    const ask = () => runClient(root, 0, '100', '200', '--device', deviceFile(7));
    expect(await ask()).toEqual({ status: 0, stdout: '300\n', stderr: '' });
    const [finished] = await mediator.finished(1);
    expect(finished).toMatchObject({ vm: 7, pool: 'B', priority: 0, outcome: 'OK' });
    // What the block says is what the registry says.
    expect(finished).not.toHaveProperty('claimedPool');
    expect(await mediator.stop()).toBe(0);
  });

  it('refuses a VM that is registered with 65, unless told to replace it', async () => {
    expect((await addVm7()).status).toBe(0);
    const again = await vm('add', '7', '--pool', 'A', '--priority', '2');
    expect(again).toMatchObject({ status: 65, stdout: '' });
    expect(again.stderr).toBe(
      'vgpu-mediator: VM 7 is already registered: pool B, priority low; to change it, use --replace\n',
    );
    const replaced = await vm('add', '7', '--pool', 'A', '--priority', '2', '--replace');
    expect(replaced).toMatchObject({ status: 0, stderr: NOTE });
    expect(replaced.stdout).toContain('pool A, priority high');
  });

  it.each([
    { args: ['0'] },
    { args: ['007'] },
    { args: ['4294967296'] },
    { args: ['7', '--pool', 'C'] },
    { args: ['7', '--priority', 'urgent'] },
    { args: ['7', '--gid', 'users'] },
    { args: ['7', '--frobnicate'] },
  ])('refuses $args with 64, and makes nothing', async ({ args }) => {
    const refused = await vm('add', '--pool', 'A', '--priority', '1', ...args);
    expect(refused).toMatchObject({ status: 64, stdout: '' });
    expect(refused.stderr).toMatch(/^vgpu-mediator: .+\n$/);
    expect(existsSync(stateDir())).toBe(false);
    expect(readdirSync(root.path)).toEqual([]);
  });

  it('makes a root that is missing, and says with 73 if it cannot', async () => {
    const missing = join(root.base, 'a', 'b');
    const options = ['--pool', 'A', '--priority', '1'];
    expect((await runMediator('vm', 'add', '7', ...options, '--root', missing)).status).toBe(0);
    expect(readdirSync(missing)).toEqual(['vm7']);
    const file = join(root.base, 'file');
    writeFileSync(file, '');
    const refused = await runMediator('vm', 'add', '7', ...options, '--root', file);
    expect(refused).toMatchObject({ status: 73, stdout: '' });
    expect(refused.stderr).toContain(`cannot use ${file} as the root`);
    const state = await vm('add', '7', ...options, '--state-dir', file);
    expect(state).toMatchObject({ status: 73, stdout: '' });
    expect(state.stderr).toContain(`cannot use ${file} as the state directory`);
  });

  it('refuses an invalid configuration or registry with 78', async () => {
    const config = join(root.base, 'config.json');
    writeFileSync(config, '{"rooot": "/"}');
    expect((await addVm7('--config', config)).status).toBe(78);
    mkdirSync(stateDir());
    writeFileSync(join(stateDir(), 'registry.json'), '{');
    const refused = await addVm7();
    expect(refused).toMatchObject({ status: 78, stdout: '' });
    expect(refused.stderr).toContain('registry.json cannot be read');
    expect(existsSync(root.in(7))).toBe(false);
  });

  it('may be called several times at once', async () => {
    const vms = [1, 2, 3, 4];
    const added = await Promise.all(
      vms.map((id) => vm('add', String(id), '--pool', 'A', '--priority', '1')),
    );
    expect(added.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    const shown = await Promise.all(vms.map((id) => vm('show', String(id), '--stub')));
    expect(shown.map(({ stdout }) => stdout)).toEqual(
      vms.map((id) => `-device vgpu-stub,pool_id=A,priority=medium,vm_id=${id}\n`),
    );
  });
});

describeWithStrace('vm add, if the registry cannot be locked', () => {
  it('says with 73 why, and registers nothing', async () => {
    const fault = ['-e', 'trace=flock', '-e', 'inject=flock:error=EIO'];
    const traced = ['-f', '-qq', '-o', '/dev/null', ...fault, process.execPath, MEDIATOR];
    const add = ['vm', 'add', '7', '--pool', 'A', '--priority', '1', '--root', root.path];
    const { status, stdout, stderr } = await run('strace', [...traced, ...add], {
      env: environment,
    });
    expect({ status, stdout }).toEqual({ status: 73, stdout: '' });
    expect(stderr).toContain(`cannot lock ${stateDir()}: EIO`);
    expect(readdirSync(stateDir())).toEqual([]);
    expect(readdirSync(root.path)).toEqual([]);
  });
});

describe('vm show', () => {
  it('prints the parts of a VM, and refuses a stranger with 65', async () => {
    await addVm7();
    expect(await vm('show', '7', '--qemu')).toEqual({
      status: 0,
      stdout:
        `-object memory-backend-file,id=vgpu0,mem-path=${deviceFile(7)},size=4K,share=on ` +
        '-device ivshmem-plain,memdev=vgpu0\n',
      stderr: '',
    });
    const json = await vm('show', '7', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ vm: 7, pool: 'B', priority: 0 });
    const stranger = await vm('show', '8');
    expect(stranger).toMatchObject({ status: 65, stdout: '' });
    expect(stranger.stderr).toContain('VM 8 is not registered');
  });

  it('prints no group that would make the guest root', async () => {
    await addVm7();
    if (process.geteuid?.() === 0) chownSync(root.in(7), 60_000, 0);
    const shown = await vm('show', '7', '--exports', '--address', '10.0.0.7');
    expect(shown.stdout).toBe(
      `${root.in(7)}  10.0.0.7(rw,sync,subtree_check,all_squash,anonuid=GROUP-OF-VM7,anongid=GROUP-OF-VM7)\n`,
    );
    expect(shown.stderr).toMatch(/no group of its own; .*--replace --gid <number>\n$/);
  });
});

/** The mediator's user, and a group of one VM. */
const [HOST, VM_7] = [60_000, 60_007];

describeAsOthers('vm add by root, and by the user of the mediator', (programs) => {
  beforeEach(() => {
    chmodSync(root.base, 0o755);
    mkdirSync(stateDir(), { mode: 0o700 });
    for (const path of [root.path, stateDir()]) chownSync(path, HOST, HOST);
  });

  const asHost = (groups: readonly number[], ...args: string[]) =>
    programs().runAs(
      { uid: HOST, groups },
      'mediator',
      ...['vm', 'add', '7', '--pool', 'B', '--priority', 'low', '--root', root.path, ...args],
    );

  it('by root: the mediator can use all of it', async () => {
    expect((await addVm7('--gid', String(VM_7))).status).toBe(0);
    root.launch = { uid: HOST, programs: programs() };
    const mediator = await MediatorProcess.serving(root, '--require-registration');
    const client = await runClient(root, 0, '1', '2', '--device', deviceFile(7));
    expect(client).toEqual({ status: 0, stdout: '3\n', stderr: '' });
    expect(await mediator.stop()).toBe(0);
    const line = await vm('show', '7', '--exports', '--address', '10.0.0.7');
    expect(line.stdout).toBe(
      `${root.in(7)}  10.0.0.7(rw,sync,subtree_check,all_squash,anonuid=60007,anongid=60007)\n`,
    );
    expect(line.stderr).toBe('');
  });

  it("by root: QEMU's user can write to the register block, and read nothing else", async () => {
    const qemu = 60_064;
    expect((await addVm7('--qemu-uid', String(qemu))).status).toBe(0);
    // As setfacl would, for this user only.
    chmodSync(stateDir(), 0o711);
    const asQemu = (command: string) =>
      spawnSync('sh', ['-c', command], { uid: qemu, gid: qemu }).status;
    expect(asQemu(`: <> ${deviceFile(7)}`)).toBe(0);
    expect(asQemu(`: < ${stateDir()}/registry.json`)).not.toBe(0);
    expect(asQemu(`ls ${stateDir()}/devices`)).not.toBe(0);
  });

  it('by the user: gives the directory to a group that it is in, and to no other', async () => {
    const refused = await asHost([], '--gid', String(VM_7));
    expect(refused).toMatchObject({ status: 77, stdout: '' });
    expect(refused.stderr).toMatch(/cannot use .*vm7: .*; run as root, or as a member/);
    expect(readdirSync(root.path)).toEqual([]);
    expect((await asHost([VM_7], '--gid', String(VM_7))).status).toBe(0);
    const { uid, gid, mode } = statSync(root.in(7));
    expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: HOST, gid: VM_7, mode: 0o2770 });
  });

  it('by a user who may not: 77', async () => {
    chownSync(stateDir(), 0, 0);
    const refused = await asHost([]);
    expect(refused).toMatchObject({ status: 77, stdout: '' });
    expect(refused.stderr).toMatch(/^vgpu-mediator: cannot .*EACCES.*\n$/);
  });
});
