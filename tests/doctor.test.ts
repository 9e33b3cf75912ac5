/** `vgpu-mediator doctor` on hosts that are well, and on such as are not. */
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { describeIf } from './support/describe-if.js';
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
    { args: ['--skip', 'roots'], status: 64, text: '--skip: expected names among addon, devices' },
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
      { check: 'instance', message: expect.stringContaining('does not respond') },
    ]);
    mediator.signal('SIGKILL');
    await mediator.exited;
    const socket = join(`${root.path}-state`, 'control.sock');
    await until(() => existsSync(socket), 'what is left');
    expect(findingsIn(await doctor(...USUAL, '--json'))).toMatchObject([
      { check: 'instance', message: expect.stringContaining('of a killed one exists') },
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

  it('reads the exports in force', async () => {
    make(7);
    make(8);
    const table = [...[7, 8].map(entryOf), `${root.path}\t*(rw,no_all_squash)\n`].join('');
    const found = await doctorOf({ exports: '', table });
    expect(found.status).toBe(1);
    expect(messagesIn(found)).toEqual([
      expect.stringContaining(`${root.path} is exported to every client, including all VM`),
    ]);
    const well = await doctorOf({ exports: '', table: entryOf(7) });
    expect(well.stdout).toContain('1 NFS exports');
    expect(messagesIn(well)).toEqual([]);
  });

  it('calls nothing well that exportfs has not told of', async () => {
    make(7);
    const { stdout } = await doctorOf({
      exports: `${root.in(7)} 10.0.0.7(rw)\n`,
      table: '',
    });
    expect(JSON.parse(stdout)).toContainEqual({
      check: 'exports',
      result: 'skipped',
      message: expect.stringMatching(
        /^not checked: \/etc\/exports may hold exports that are not in force/,
      ),
    });
  });
});

const EXPORTFS = '/usr/sbin/exportfs';
describeIf(
  process.getuid?.() === 0 && existsSync(EXPORTFS),
  'skipped: it runs exportfs as root; apt-get install nfs-kernel-server',
  'the doctor, of what exportfs makes of a line',
  () => {
    beforeEach(() => {
      root = new FragileRoot([]);
    });

    it('agrees with it', async () => {
      for (const vm of [1, 2, 3, 4, 5, 6, 7]) make(vm);
      const to = (vm: number, host = vm) => `10.0.0.${host}(${optionsOf(vm)})`;
      const lines = [
        `"${root.in(1)}/" -ro,no_subtree_check \\\n ${to(1)} # a comment`,
        `${root.in(2).replace('vm', String.raw`\166m`)} ${to(2)}`,
        `${root.in(3)} ${to(3)}\n${root.in(3)} ${to(3, 13)}`,
        `${root.in(4)} 10.0.0.4 -${optionsOf(4)}`,
        `${root.in(5)} 10.0.0.5 (${optionsOf(5)})`,
        `${root.in(6)} 10.0.0.6(${optionsOf(6)},no_all_squash)`,
        `${root.in(7)} 10.0.0.7(sec=krb5,${optionsOf(7)},sec=sys,no_all_squash)`,
      ];
      const found = messagesIn(await doctorOf({ exports: `${lines.join('\n')}\n` }));
      const of = (vm: number) => found.filter((message) => message.startsWith(`${root.in(vm)} `));
      expect([of(1), of(2)]).toEqual([[], []]);
      expect(of(3)).toEqual([
        expect.stringContaining('to 10.0.0.3 and 10.0.0.13: each of them can act as'),
      ]);
      for (const vm of [4, 5]) {
        expect(of(vm)).toContainEqual(expect.stringContaining('exported to every client'));
        expect(of(vm)).toContainEqual(expect.stringContaining('is read-only'));
      }
      for (const vm of [6, 7])
        expect(of(vm)).toEqual([expect.stringContaining("guest's superuser")]);
    });
  },
);

/** The directory of a VM, with a group of its own. */
function make(vm: number): void {
  mkdirSync(root.in(vm));
  chownSync(root.in(vm), 0, 60_000 + vm);
  chmodSync(root.in(vm), 0o2770);
}

/** As SECURITY.md has them. */
function optionsOf(vm: number): string {
  return `rw,sync,subtree_check,all_squash,anonuid=${60_000 + vm},anongid=${60_000 + vm}`;
}

/** What exportfs writes of the line that SECURITY.md has. */
function entryOf(vm: number): string {
  return `${root.in(vm)}\t10.0.0.${vm}(${optionsOf(vm)},sec=sys,rw,root_squash,all_squash)\n`;
}

/** On a host with this /etc/exports, and this table of exportfs; without one exportfs makes it. */
async function doctorOf({
  exports,
  table,
}: {
  exports: string;
  table?: string;
}): Promise<Finished> {
  const etc = join(root.base, 'etc');
  if (!existsSync(etc))
    cpSync('/etc', etc, { recursive: true, verbatimSymlinks: true, filter: isSmall });
  writeFileSync(join(etc, 'exports'), exports);
  writeFileSync(join(root.base, 'etab'), table ?? '');
  const words = [process.execPath, MEDIATOR, 'doctor', '--backend', 'cpu', '--json'];
  const script = [
    'mount --bind "$0/etc" /etc && mount -t tmpfs none /var/lib && mkdir /var/lib/nfs',
    table === undefined ? `(${EXPORTFS} -ra || true)` : 'cp "$0/etab" /var/lib/nfs/etab',
    'exec "$@"',
  ].join(' && ');
  const command = [...words, ...USUAL, '--root', root.path];
  return run('unshare', ['-m', 'sh', '-c', script, root.base, ...command], { env: environment });
}

function messagesIn(finished: Finished): string[] {
  return findingsIn(finished)
    .filter(({ check }) => check === 'exports')
    .map(({ message }) => message);
}

/** What a process needs of /etc to start. */
function isSmall(path: string): boolean {
  return /^\/etc(?:\/(?:ld\.so\.[^/]*(?:\/.*)?|passwd|group|nsswitch\.conf|localtime))?$/.test(
    path,
  );
}
