/** The commands of an administrator, as programs, beside a mediator that is running. */
import { spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  environment,
  MEDIATOR,
  MediatorProcess,
  run,
  runClient,
  runMediator,
  TestRoot,
  until,
} from './support/processes.js';
import { HeldDevice } from './support/held-device.js';
import { describeAsOthers, NOBODY } from './support/public-programs.js';
import { describeWithMounts, FragileRoot } from './support/world.js';

/** The user of a mediator that is not root. */
const HOST = 60_000;

const APPLIED = 'vgpu-mediator: applied to the running mediator\n';

let root: TestRoot;
beforeEach(() => {
  root = new TestRoot([]);
});
afterEach(() => {
  root.remove();
});

const command = (...args: string[]) => runMediator(...args, '--root', root.path);
const stateDir = () => `${root.path}-state`;
const socket = () => join(stateDir(), 'control.sock');
/** It comes a moment after the mediator is ready; commands wait for it. */
const listening = () => until(() => existsSync(socket()), 'the control socket');

async function add(vm: number, pool = 'A', priority = 'medium'): Promise<void> {
  const added = await command('vm', 'add', `${vm}`, '--pool', pool, '--priority', priority);
  expect(added.status).toBe(0);
}

describe('a mediator that is running', () => {
  let mediator: MediatorProcess;
  beforeEach(async () => {
    mediator = await MediatorProcess.serving(root, '--require-registration', '--log-level=debug');
  });

  const ask = (vm: number) => runClient(root, vm, '100', '200');
  const finished = async (count: number) => (await mediator.finished(count)).at(-1);

  it('applies it immediately when a VM is added, changed, suspended, resumed and removed', async () => {
    const added = await command('vm', 'add', '7', '--pool', 'B', '--priority', 'low');
    expect(added).toMatchObject({ status: 0, stderr: APPLIED });
    expect(await ask(7)).toMatchObject({ status: 0, stdout: '300\n' });
    expect(await finished(1)).toMatchObject({ vm: 7, pool: 'B', priority: 0 });

    expect(await command('vm', 'set', '7', '--pool', 'A', '--priority', 'high')).toEqual({
      status: 0,
      stdout: 'VM 7: pool A, priority high\n',
      stderr: APPLIED,
    });
    expect(await ask(7)).toMatchObject({ status: 0 });
    expect(await finished(2)).toMatchObject({ vm: 7, pool: 'A', priority: 2 });

    expect((await command('vm', 'set', '7', '--rate-limit', '0.001')).status).toBe(0);
    expect(await ask(7)).toMatchObject({ status: 0 });
    const limited = await ask(7);
    expect(limited.status).toBe(75);
    expect(limited.stderr).toContain('RATE_LIMITED');
    await command('vm', 'set', '7', '--rate-limit', 'default');

    expect(await command('vm', 'suspend', '7')).toEqual({
      status: 0,
      stdout: 'VM 7: pool A, priority high, suspended\n',
      stderr: APPLIED,
    });
    const suspended = await ask(7);
    expect(suspended.status).toBe(65);
    expect(suspended.stderr).toContain('SUSPENDED');
    expect((await command('vm', 'resume', '7')).status).toBe(0);
    expect(await ask(7)).toMatchObject({ status: 0, stdout: '300\n' });

    const removed = await command('vm', 'remove', '7', '--json');
    expect(JSON.parse(removed.stdout)).toEqual({
      vm: 7,
      directory: root.in(7),
      deleted: false,
      mediator: 'applied',
    });
    expect(existsSync(root.in(7))).toBe(true);
    expect((await ask(7)).stderr).toContain('UNKNOWN_VM');
    expect(mediator.logged('registry reloaded').length).toBeGreaterThanOrEqual(7);
    expect(await mediator.stop()).toBe(0);
  });

  it('goes on without a directory that is removed with its VM', async () => {
    await add(7);
    await add(8);
    root.drop(7, 'late', 'A:1:7:1:1');
    const removed = await command('vm', 'remove', '7', '--delete-files');
    expect(removed).toEqual({
      status: 0,
      stdout: `VM 7 is removed from the registry\ndirectory: ${root.in(7)} (removed)\n`,
      stderr: APPLIED,
    });
    expect(existsSync(root.in(7))).toBe(false);
    await until(() => mediator.logged('a VM directory is gone').length === 1, 'it to be noticed');
    expect(await ask(8)).toMatchObject({ status: 0 });
    await add(7);
    expect(await ask(7)).toMatchObject({ status: 0, stdout: '300\n' });
    expect(await mediator.stop()).toBe(0);
  });

  it('reports that it cannot apply a registry that it cannot parse', async () => {
    await add(7);
    const file = join(stateDir(), 'registry.json');
    writeFileSync(file, '{');
    const refused = await command('vm', 'suspend', '7');
    expect(refused).toMatchObject({ status: 78, stdout: '' });
    expect(refused.stderr).toContain('registry.json cannot be read');
    expect(await ask(7)).toMatchObject({ status: 0, stdout: '300\n' });
    expect(await mediator.stop()).toBe(0);
  });

  it('is described by status, for people and for programs', async () => {
    await add(7, 'B', 'low');
    await ask(7);
    const json = JSON.parse((await command('status', '--json')).stdout) as Record<string, unknown>;
    expect(json).toMatchObject({
      pid: mediator.pid,
      phase: 'serving',
      root: root.path,
      queue: { queued: 0 },
      devices: [{ device: 0, backend: 'cpu', state: 'idle', jobs: 1 }],
      vms: [{ vm: 7, registered: true, pool: 'B', state: 'active', requests: 1, answered: 1 }],
    });
    const plain = await command('status');
    expect(plain).toMatchObject({ status: 0, stderr: '' });
    expect(plain.stdout).toContain(`pid ${mediator.pid}, serving for `);
    expect(plain.stdout).toMatch(/^7\tB\tlow\tactive\t0\t1\t0\t/m);
    expect(await mediator.stop()).toBe(0);
  });

  it('has a socket for its owner only, which is gone when it has ended', async () => {
    await listening();
    expect((await run('stat', ['-c', '%a', socket()])).stdout).toBe('600\n');
    expect(await mediator.stop()).toBe(0);
    expect(existsSync(socket())).toBe(false);
    const status = await command('status');
    expect(status).toEqual({
      status: 69,
      stdout: '',
      stderr: `vgpu-mediator: no mediator is running with the state directory ${stateDir()}\n`,
    });
    expect((await command('drain')).status).toBe(69);
    const asJson = await command('status', '--json');
    expect([asJson.status, asJson.stdout]).toEqual([69, '']);
    expect(JSON.parse(asJson.stderr)).toEqual({
      error: {
        code: 'NOT_RUNNING',
        message: `no mediator is running with the state directory ${stateDir()}`,
      },
    });
  });

  it('leaves a socket when it is killed, which blocks no later mediator', async () => {
    await listening();
    mediator.signal('SIGKILL');
    await mediator.exited;
    expect(existsSync(socket())).toBe(true);
    const added = await command('vm', 'add', '7', '--pool', 'B', '--priority', 'low');
    expect(added.stderr).toBe(
      'vgpu-mediator: no mediator is running; the change takes effect at the next start\n',
    );
    mediator = await MediatorProcess.serving(root, '--require-registration');
    expect(await ask(7)).toMatchObject({ status: 0 });
    expect((await command('vm', 'suspend', '7')).stderr).toBe(APPLIED);
    expect(await mediator.stop()).toBe(0);
  });
});

describe('a mediator with a slow device', () => {
  let mediator: MediatorProcess;
  let device: HeldDevice;
  beforeEach(async () => {
    root = new TestRoot([1, 2]);
    await add(1);
    device = new HeldDevice(root);
    mediator = await MediatorProcess.serving(root, '--exec-limit', '600000', '--log-level=debug');
    root.drop(1, 'x', 'A:1:1:100:200\n');
    await until(() => mediator.logged('request on the device').length === 1, 'a busy device');
    for (const id of ['y', 'z']) root.drop(1, id, 'A:1:1:100:200\n');
    root.drop(2, 'x', 'A:0:2:1:2\n');
    await until(() => mediator.logged('request queued').length === 4, 'all to be queued');
  });

  const answer = (vm: number, id: string) => {
    const path = root.in(vm, `response-${id}.txt`);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };

  const drains = () => mediator.log.filter(({ message }) => message.startsWith('draining'));

  it('rejects the queued requests of a suspended VM', async () => {
    expect((await command('vm', 'suspend', '1')).stderr).toBe(APPLIED);
    // The command returns after that; the request on the device is unfinished.
    const answers = ['x', 'y', 'z'].map((id) => answer(1, id));
    const suspended = answers.filter((text) => text.startsWith('ERROR:SUSPENDED:'));
    expect(suspended).toHaveLength(2);
    expect(answers.filter((text) => text === '')).toHaveLength(1);
    device.release();
    await until(() => answer(2, 'x') === '3\n', 'the other VM to be served');
    const outcomes = (await mediator.finished(4)).filter(({ vm }) => vm === 1);
    expect(outcomes.filter(({ outcome }) => outcome === 'OK')).toHaveLength(3 - suspended.length);
    expect(await mediator.stop()).toBe(0);
  });

  it('finishes the queued requests when it is drained, and leaves new ones', async () => {
    const told = await command('drain', '--no-wait');
    expect(told).toMatchObject({ status: 0, stderr: '' });
    expect(told.stdout).toMatch(/^draining: 4 requests are queued or on a device\n$/);
    root.drop(1, 'late', 'A:2:1:7:7\n');
    expect(JSON.parse((await command('status', '--json')).stdout)).toMatchObject({
      phase: 'draining',
    });
    const draining = command('drain', '--json');
    await until(() => drains().length === 2, 'it to be told again');
    device.release();
    const drained = await draining;
    expect(drained.status).toBe(0);
    expect(JSON.parse(drained.stdout)).toEqual({ ended: true, left: 0 });
    // The command returns when the process has ended.
    expect(existsSync(socket())).toBe(false);
    expect(await mediator.exited).toBe(0);
    expect(['x', 'y', 'z'].map((id) => answer(1, id))).toEqual(['300\n', '300\n', '300\n']);
    expect(answer(2, 'x')).toBe('3\n');
    expect(existsSync(root.in(1, 'request-late.txt'))).toBe(true);
    expect(answer(1, 'late')).toBe('');
    mediator = await MediatorProcess.serving(root);
    await until(() => answer(1, 'late') === '14\n', 'the remaining request to be served');
    expect(await mediator.stop()).toBe(0);
  });

  it('that is stopped while it is drained leaves the rest on disk', async () => {
    const draining = command('drain');
    await until(() => drains().length === 1, 'it to be told');
    mediator.signal('SIGTERM');
    await until(() => mediator.logged('stopping').length > 0, 'it to stop');
    device.release();
    const { status, stdout } = await draining;
    expect(status).toBe(75);
    expect(stdout).toMatch(/^the mediator has ended, and [34] requests are left on disk: .*\n$/);
    expect(await mediator.exited).toBe(0);
    expect(existsSync(root.in(2, 'request-x.txt'))).toBe(true);
  });

  it('that hangs is not waited for without a limit, and the change is kept', async () => {
    mediator.signal('SIGSTOP');
    const changed = await command('vm', 'set', '1', '--priority', 'low');
    expect(changed.status).toBe(75);
    expect(changed.stderr).toContain('the change is saved, but the running mediator');
    const drained = await command('drain');
    expect(drained).toMatchObject({ status: 75, stdout: '' });
    mediator.signal('SIGCONT');
    expect((await command('vm', 'list')).stdout).toContain('1\tA\tlow\tactive');
    expect((await command('vm', 'suspend', '1')).stderr).toBe(APPLIED);
  });
});

describeWithMounts('vm remove --delete-files, with file systems mounted', () => {
  it('removes none of them', async () => {
    const fragile = new FragileRoot([7, 8]);
    root = fragile;
    const mounted = [root.in(7), join(root.in(8), 'inner')];
    mkdirSync(root.in(8, 'inner'));
    for (const at of mounted) {
      fragile.mountTmpfs(at);
      writeFileSync(join(at, 'file'), 'precious');
    }
    const [seven, eight] = [
      await command('vm', 'remove', '7', '--delete-files'),
      await command('vm', 'remove', '8', '--delete-files'),
    ];
    expect(seven).toMatchObject({ status: 73, stdout: '' });
    expect(seven.stderr).toContain('unmount the file system there first');
    expect(eight).toMatchObject({ status: 73, stdout: '' });
    expect(eight.stderr).toContain('another file system is mounted in it');
    expect(readFileSync(root.in(7, 'file'), 'utf8')).toBe('precious');
    const [left = ''] = readdirSync(root.path).filter((name) => name.startsWith('.vm8.removed-'));
    const moved = join(root.path, left);
    expect(readFileSync(join(moved, 'inner', 'file'), 'utf8')).toBe('precious');
    await run('umount', [join(moved, 'inner')]);
    const again = await command('vm', 'remove', '8', '--delete-files');
    expect(again.status).toBe(0);
    expect(existsSync(moved)).toBe(false);
  });
});

describeAsOthers('a mediator of a user of its own', (programs) => {
  it('accepts commands of root and of that user, and of no other', async () => {
    chmodSync(root.base, 0o755);
    // As with an ACL for the user of QEMU.
    mkdirSync(stateDir(), { mode: 0o711 });
    chmodSync(stateDir(), 0o711);
    for (const path of [root.path, stateDir()]) chownSync(path, HOST, HOST);
    root.launch = { uid: HOST, programs: programs() };
    const mediator = await MediatorProcess.serving(root);
    await add(7);
    expect((await command('vm', 'suspend', '7')).stderr).toBe(APPLIED);
    const as = (uid: number, ...args: string[]) =>
      programs().runAs(uid, 'mediator', ...args, '--root', root.path);
    expect((await as(HOST, 'vm', 'resume', '7')).stderr).toBe(APPLIED);
    expect((await as(HOST, 'status')).stdout).toContain('serving for');
    const refused = await as(NOBODY, 'status');
    expect(refused).toMatchObject({ status: 77, stdout: '' });
    expect((await as(NOBODY, 'drain')).status).toBe(77);
    expect(mediator.child.exitCode).toBeNull();
    expect((await as(HOST, 'drain')).status).toBe(0);
    expect(await mediator.exited).toBe(0);
  });
});

describe('status --watch', () => {
  /** A command on a terminal of its own, as script(1) gives it. */
  function onTerminal(...args: string[]): { child: ChildProcess; shown: () => string } {
    const words = [process.execPath, MEDIATOR, ...args, '--root', root.path];
    const child = spawn(
      'script',
      ['-qefc', `exec ${words.map((word) => `'${word}'`).join(' ')}`, '/dev/null'],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { ...environment, TERM: 'xterm' },
      },
    );
    root.own(child);
    let text = '';
    child.stdout.on('data', (part: Buffer) => (text += part.toString()));
    return { child, shown: () => text };
  }

  const ended = (child: ChildProcess) =>
    until(() => child.exitCode !== null || child.signalCode !== null, 'it to end');

  it('shows it in place until Ctrl-C, and leaves the terminal as it was', async () => {
    const mediator = await MediatorProcess.serving(root);
    const { child, shown } = onTerminal('status', '--watch', '--interval', '20');
    const count = () => shown().split('\x1b[H').length;
    await until(() => count() > 3, 'three refreshes');
    expect(shown()).toContain('\x1b[?25l');
    expect(shown()).toContain('\x1b[32mserving\x1b[39m');
    // It continues with a restarted mediator.
    expect(await mediator.stop()).toBe(0);
    await until(() => shown().includes('no mediator is running'), 'it to be missed');
    await MediatorProcess.serving(root);
    const before = count();
    await until(() => count() > before + 1, 'more refreshes');
    child.stdin?.write('\x03');
    await ended(child);
    expect(child.exitCode).toBe(0);
    expect(shown().endsWith('\x1b[?25h')).toBe(true);
  });

  it('ends at once also while it waits for a mediator that hangs', async () => {
    const mediator = await MediatorProcess.serving(root);
    const { child, shown } = onTerminal('status', '--watch', '--interval', '20');
    await until(() => shown().includes('serving'), 'it to be shown');
    mediator.signal('SIGSTOP');
    const count = () => shown().split('\x1b[H').length;
    let before = 0;
    while (before !== count()) {
      before = count();
      await sleep(200);
    }
    child.stdin?.write('\x03');
    await ended(child);
    mediator.signal('SIGCONT');
    expect(child.exitCode).toBe(0);
    // It did not come to say that there is no answer.
    expect(shown()).not.toContain('did not respond');
  });

  it('prints one line of JSON after the other on a pipe', async () => {
    await MediatorProcess.serving(root);
    const args = [MEDIATOR, 'status', '--watch', '--interval', '20', '--json', '--root', root.path];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    root.own(child);
    let [text, complaints] = ['', ''];
    child.stdout.on('data', (part: Buffer) => (text += part.toString()));
    child.stderr.on('data', (part: Buffer) => (complaints += part.toString()));
    await until(() => text.split('\n').length > 3, 'three of them');
    child.kill('SIGTERM');
    await ended(child);
    expect([child.exitCode, complaints]).toEqual([0, '']);
    const lines = text.trimEnd().split('\n');
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ phase: 'serving' });
  });
});
